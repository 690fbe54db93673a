//! Programs: the shell's, and those of the languages that are read by syntax tree.

use seaworthy::parse::script::{self, Language, Process, excerpt};
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
    let _ = script::read(data, language, Some(b"/opt/app/a"), &process);
    let _ = excerpt(data, |part| part.len() % 2 == 0);
}

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
