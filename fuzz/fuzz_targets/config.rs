//! Configuration files: the first byte chooses the form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::config::{Form, Language, expand, parse};

const FORMS: &[Form] = &[
    Form::Lines,
    Form::Sections,
    Form::Braces,
    Form::Properties,
    Form::Xml,
    Form::Yaml,
    Form::Toml,
    Form::Json,
    Form::Script(Language::Php),
    Form::Script(Language::Python),
    Form::Script(Language::Perl),
];

fuzz_target!(|data: &[u8]| {
    let Some((&first, text)) = data.split_first() else {
        return;
    };
    let form = FORMS[usize::from(first) % FORMS.len()];
    for setting in parse(form, text).settings {
        let _ = setting.folded();
        let _ = expand(&setting.value, &|_| None);
    }
});
