//! Programs: the shell's, and those of the languages that are read by syntax tree.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use seaworthy::parse::java;
use seaworthy::parse::script::{
    Language, Load, Module, Parameter, Parsed, Process, Program, excerpt, note,
};
use seaworthy::parse::shell::{self, Context};

use super::{Target, from};

pub(super) const SHELL: Target = Target {
    name: "shell",
    reads: "shell scripts",
    from: &[
        from("sample-apps", ".sh", b""),
        from("sample-apps", "etc/init.d/meterd", b""),
        from("scripts", "", b""),
    ],
    words: &[
        b"if ",
        b"then\n",
        b"fi\n",
        b"case $1 in\n",
        b"esac\n",
        b"$(",
        b"`",
        b"${A:-b}",
        b"<<EOT\n",
        b"EOT\n",
        b"() {\n",
        b"}\n",
        b" && ",
        b" | ",
        b"exec ",
        b"su - a -c '",
        b"start-stop-daemon ",
        b"while :; do\n",
        b"done\n",
        b"$((",
        b"\"$@\"",
        b". /etc/a\n",
    ],
    run: shell,
};

fn shell(data: &[u8]) {
    let context = Context {
        script: Some(b"/opt/app/bin/run"),
        ..Context::default()
    };
    let _ = shell::read(data, &context);
    let _ = shell::variables(data, &Default::default(), &[]);
}

fn read(data: &[u8], language: Language) {
    let process = Process {
        dir: Some(b"/opt/app"),
        home: Some(b"/home/a"),
        ..Process::default()
    };
    let parsed = Parsed::new(data, language);
    let alone = parsed.read(Some(b"/opt/app/a"), &process);
    // The text as the other file of its own program.
    let module = Rc::new(Module {
        path: b"/opt/app/b".to_vec(),
        values: alone.vars,
    });
    let itself = Itself {
        module,
        told: RefCell::default(),
    };
    for _ in 0..2 {
        let process = Process {
            program: Some(&itself),
            ..process
        };
        let _ = parsed.read(Some(b"/opt/app/a"), &process);
    }
    let _ = excerpt(data, |part| part.len() % 2 == 0);
}

/// A program of one file, which loads itself whatever it asks for.
struct Itself {
    module: Rc<Module>,
    told: RefCell<BTreeMap<String, Vec<Vec<u8>>>>,
}

impl Itself {
    fn get(&self, name: &str) -> Vec<Vec<u8>> {
        self.told.borrow().get(name).cloned().unwrap_or_default()
    }
}

impl Program for Itself {
    fn load(&self, _: &[u8], _: Load<'_>) -> Option<Rc<Module>> {
        Some(Rc::clone(&self.module))
    }

    fn load_any(&self, _: &[u8], _: Load<'_>) {}

    fn search(&self, _: &[u8]) {}

    fn change_dir(&self, _: &[u8]) {}

    fn note(&self, name: &str, values: &[Vec<u8>]) {
        note(&mut self.told.borrow_mut(), name.to_owned(), values);
    }

    fn known(&self, name: &str) -> Vec<Vec<u8>> {
        self.get(name)
    }

    fn note_call(&self, function: &str, at: Parameter<'_>, values: &[Vec<u8>]) {
        note(
            &mut self.told.borrow_mut(),
            format!("{function} {at:?}"),
            values,
        );
    }

    fn given(&self, function: &str, at: Parameter<'_>) -> Vec<Vec<u8>> {
        self.get(&format!("{function} {at:?}"))
    }
}

pub(super) const JAVA: Target = Target {
    name: "java",
    reads: "class files of Java",
    from: &[],
    words: &[
        b"\xca\xfe\xba\xbe\0\0\0\x3d",
        b"(Ljava/lang/String;)V",
        b"java/io/File",
        b"java/lang/StringBuilder",
        b"Code",
        b"LineNumberTable",
        b"BootstrapMethods",
        b"makeConcatWithConstants",
    ],
    run: |data| {
        let nothing = BTreeMap::new();
        let machine = java::Machine {
            dir: Some(b"/opt/a"),
            home: Some(b"/home/a"),
            env: &nothing,
            properties: &nothing,
            arguments: &[b"b".to_vec()],
            settings: &|key| vec![key.as_bytes().to_vec()],
        };
        let _ = java::names(data);
        let class = java::Loaded {
            bytes: data,
            from: b"/opt/a/a.jar",
        };
        let _ = java::read(&[class], &machine);
    },
};

pub(super) const TYPESCRIPT: Target = Target {
    name: "typescript",
    reads: "programs in TypeScript",
    from: &[],
    words: &[
        b"const a: string = ",
        b"import fs from 'fs';\n",
        b"export default a;\n",
        b"interface A { a: string }\n",
        b"fs.writeFileSync(",
        b"(a as string)",
        b"a!",
        b"private a = ",
        b"async (a: A): Promise<void> => {\n",
        b"});\n",
        b"`${a}/b`",
    ],
    run: |data| read(data, Language::TypeScript),
};

pub(super) const JAVASCRIPT: Target = Target {
    name: "javascript",
    reads: "programs in JavaScript",
    from: &[],
    words: &[
        b"const a = ",
        b"require('fs')",
        b"fs.writeFileSync(",
        b"path.join(__dirname, ",
        b"`${a}`",
        b"process.env.A || ",
        b"=> {\n",
        b"});\n",
        b"import a from 'b';\n",
        b"/a/g",
    ],
    run: |data| read(data, Language::JavaScript),
};

pub(super) const PERL: Target = Target {
    name: "perl",
    reads: "programs in Perl",
    from: &[
        from("sample-apps", ".pl", b""),
        from("sample-apps", ".pm", b""),
        from("sample-apps", ".cgi", b""),
    ],
    words: &[
        b"open(my $f, '>', ",
        b"<<EOT;\n",
        b"qw(",
        b"s{a}{b}e",
        b"$a{b}",
        b"@{[",
        b"sub a {\n",
        b"}\n",
        b"=pod\n",
        b"=cut\n",
        b"__END__\n",
        b"y/a/b/",
        b"`",
        b"q{",
    ],
    run: |data| read(data, Language::Perl),
};

pub(super) const PHP: Target = Target {
    name: "php",
    reads: "programs in PHP",
    from: &[],
    words: &[
        b"<?php\n",
        b"?>",
        b"$a = ",
        b"file_put_contents(",
        b"define('A', ",
        b"<<<EOT\n",
        b"EOT;\n",
        b"__DIR__ . ",
        b"array(",
        b"function a() {\n",
        b"}\n",
    ],
    run: |data| read(data, Language::Php),
};

pub(super) const PYTHON: Target = Target {
    name: "python",
    reads: "programs in Python",
    from: &[from("sample-apps", ".py", b"")],
    words: &[
        b"open(",
        b"os.path.join(",
        b"f'{a}'",
        b"'''",
        b"def a():\n    ",
        b"if a:\n",
        b"import a\n",
        b"lambda: ",
        b"[a for a in b]",
        b"\\\n",
        b"% (a, b)",
        b".format(",
    ],
    run: |data| read(data, Language::Python),
};

pub(super) const RUBY: Target = Target {
    name: "ruby",
    reads: "programs in Ruby",
    from: &[],
    words: &[
        b"File.open(",
        b"#{a}",
        b"%w[",
        b"<<~EOT\n",
        b"EOT\n",
        b"do |a|\n",
        b"end\n",
        b"def a\n",
        b":a => ",
        b"ENV['A'] || ",
        b"/a/",
        b"=begin\n",
        b"=end\n",
        b"File.join(__dir__, ",
    ],
    run: |data| read(data, Language::Ruby),
};
