//! The keys and words of a TOML file held against a JSON Schema, so that a mistake is told at its
//! place and with what was probably meant.
//!
//! The schema is the one that editors get: what they accept and what is read cannot drift apart.

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fact::meant;

/// A mistake: the byte where it stands, and what is wrong.
pub(super) type Mistake = (usize, String);

/// Unknown keys, keys that are missing, and words that are none of those allowed.
pub(super) fn mistakes(table: &Spanned<DeTable<'_>>, schema: &Value) -> Vec<Mistake> {
    let mut found = Vec::new();
    of_table(table.as_ref(), table.span().start, "", schema, &mut found);
    found.sort();
    found
}

fn of_table(table: &DeTable<'_>, at: usize, name: &str, schema: &Value, found: &mut Vec<Mistake>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, value) in table {
        let word: &str = key.as_ref();
        let own = properties.and_then(|properties| properties.get(word));
        let open = schema.get("additionalProperties").filter(|s| s.is_object());
        if let Some(schema) = own.or(open) {
            of_value(value, word, schema, found);
            continue;
        }
        let known = properties
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str());
        let place = if name.is_empty() {
            String::new()
        } else {
            format!(" in `{name}`")
        };
        let message = format!("unknown key `{word}`{place}{}", meant(word, known));
        found.push((key.span().start, message));
    }
    let required = schema.get("required").and_then(Value::as_array);
    for key in required.into_iter().flatten().filter_map(Value::as_str) {
        if !table.keys().any(|held| held.as_ref() == key) {
            found.push((at, format!("`{name}` without `{key}`: add the key")));
        }
    }
}

fn of_value(value: &Spanned<DeValue<'_>>, name: &str, schema: &Value, found: &mut Vec<Mistake>) {
    let at = value.span().start;
    match value.as_ref() {
        DeValue::Table(table) => of_table(table, at, name, schema, found),
        DeValue::Array(array) => {
            if let Some(items) = schema.get("items") {
                for item in array {
                    of_value(item, name, items, found);
                }
            }
        }
        DeValue::String(text) => {
            let words = words(schema);
            if !words.is_empty() && !words.contains(&text.as_ref()) {
                let all = words.join(", ");
                let meant = meant(text, words);
                found.push((at, format!("`{name}` is one of {all}, not `{text}`{meant}")));
            }
        }
        DeValue::Integer(number) => {
            let most = schema.get("maximum").and_then(Value::as_i64);
            // One that is too long for 64 bits is refused by its type.
            let given = i64::from_str_radix(number.as_str(), number.radix()).ok();
            if let (Some(most), Some(given)) = (most, given)
                && given > most
            {
                found.push((at, format!("`{name}` is at most {most}, not {given}")));
            }
        }
        _ => {}
    }
}

/// The words of which a text must be one; none when it may be any.
fn words(schema: &Value) -> Vec<&str> {
    let list = |key: &str| {
        schema
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let told = list("oneOf").filter_map(|one| one.get("const"));
    let plain = list("enum");
    told.chain(plain).filter_map(Value::as_str).collect()
}
