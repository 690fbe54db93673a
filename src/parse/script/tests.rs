//! What programs are read as, one behaviour at a time; and that no text breaks the reader.

use std::rc::Rc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::op::{Deed, Op};
use super::{Language, Load, MAX_TEXT, Module, Parameter, Process, Program, read};

/// Whether anybody asks for an operation: those on relative paths say nothing.
fn is_wanted(op: &Op) -> bool {
    // Code of its own says nothing.
    let code = op.by == "include" || op.by == "require";
    match &op.deed {
        Deed::Path { path, .. } | Deed::Source(path) => path.starts_with(b"/") && !code,
        Deed::Set { value, .. } => value.starts_with(b"/"),
        Deed::Run(_) => true,
        // Asked only of programs that are followed.
        Deed::Listens { .. } => false,
    }
}

/// `act path` of each operation, and `name=path` of each setting, for a script in `/opt/x/bin`.
fn ops(language: Language, text: &str) -> Vec<String> {
    let show = |op: &Op| match &op.deed {
        Deed::Path { act, path } => format!("{act:?} {}", String::from_utf8_lossy(path)),
        Deed::Set { name, value, .. } => format!("{name}={}", String::from_utf8_lossy(value)),
        Deed::Run(run) => format!(
            "Run {}",
            run.argv
                .iter()
                .map(|w| String::from_utf8_lossy(w))
                .collect::<Vec<_>>()
                .join(" ")
        ),
        Deed::Source(path) => format!("Source {}", String::from_utf8_lossy(path)),
        Deed::Listens { port, .. } => format!("Listens {port}"),
    };
    let script = read(
        text.as_bytes(),
        language,
        Some(b"/opt/x/bin/a"),
        &Process::default(),
    );
    assert!(script.faults.is_empty(), "{text}: {:?}", script.faults);
    let mut all: Vec<_> = script.ops.iter().map(show).collect();
    assert!(
        language.may_tell(text.as_bytes()) || !script.ops.iter().any(is_wanted),
        "passed over: {text}: {all:?}"
    );
    all.sort();
    all
}

fn check(language: Language, cases: &[(&str, &str)]) {
    for (text, want) in cases {
        let got = ops(language, text);
        for want in want.split(';') {
            let (absent, want) = want
                .strip_prefix('!')
                .map_or((false, want), |want| (true, want));
            assert_eq!(
                got.iter().any(|op| op == want),
                !absent,
                "{text}: {want} in {got:?}"
            );
        }
    }
}

#[test]
fn python_paths_are_folded() {
    check(
        Language::Python,
        &[
            (
                "open('/a/b', 'w')\nopen('/a/c')\nopen('/a/d', mode='rb+')",
                "Writes /a/b;Reads /a/c;Writes /a/d",
            ),
            (
                "B = os.path.dirname(os.path.abspath(__file__))\nD = os.path.join(B, '..', 'data')\nos.makedirs(D)",
                "MakesDir /opt/x/bin/../data;D=/opt/x/bin/../data",
            ),
            (
                "P = Path(__file__).resolve().parent.parent / 'var'\n(P / 'x').write_text('')\nP.mkdir()",
                "Writes /opt/x/var/x;MakesDir /opt/x/var",
            ),
            (
                "P = Path(__file__).parents[1]\nopen(P / 'y', 'a')",
                "Writes /opt/x/y",
            ),
            (
                "n = f()\nopen(f'/a/{n}.log', 'a')\nopen('/b/%s.x' % n, 'w')\nopen('/c/{}'.format(n), 'w')",
                "Writes /a/*.log;Writes /b/*.x;Writes /c/*",
            ),
            (
                "DATABASES = {'default': {'ENGINE': 'e', 'NAME': os.path.join('/srv', 'db.sqlite3')}}",
                "NAME=/srv/db.sqlite3",
            ),
            (
                "class A:\n  d = '/a'\n  def f(self):\n    self.p = '/b/c'\n    os.remove(self.p)",
                "Removes /b/c;p=/b/c",
            ),
            (
                "def f():\n  p = '/a/b'\n  return p\ndef g(p):\n  open(p, 'w')",
                "!Writes /a/b",
            ),
            (
                "sqlite3.connect('/a/b.db')\ncreate_engine('sqlite:////c/d.db')",
                "Writes /a/b.db;Writes /c/d.db",
            ),
            (
                "logging.basicConfig(level=1, filename='/a/b.log')\nlogging.handlers.RotatingFileHandler('/a/c.log')",
                "Writes /a/b.log;Writes /a/c.log",
            ),
            (
                "os.system('mkdir -p /a/b')\nsubprocess.call(['systemctl', 'stop', x])\nsubprocess.run('rm /a/c', shell=True)",
                "MakesDir /a/b;Run systemctl stop *;Removes /a/c",
            ),
            (
                "D = os.environ.get('D', '/a/b')\nshutil.rmtree(D)\nshutil.copy('/a/c', '/a/d')",
                "Removes /a/b;Reads /a/c;Writes /a/d",
            ),
            (
                "if x:\n  D = '/a'\nelse:\n  D = '/b'\nopen(D + '/c', 'w')",
                "Writes /a/c;Writes /b/c",
            ),
        ],
    );
}

#[test]
fn php_paths_are_folded() {
    check(
        Language::Php,
        &[
            (
                "<?php define('ROOT', dirname(__FILE__) . '/../data'); file_put_contents(ROOT . DIRECTORY_SEPARATOR . 'x', 1);",
                "Writes /opt/x/bin/../data/x;ROOT=/opt/x/bin/../data",
            ),
            (
                "<?php const D = __DIR__ . '/c'; function f() { $h = fopen(D . '/x', 'w'); }",
                "Writes /opt/x/bin/c/x",
            ),
            (
                "<?php $conf['savedir'] = '/a/b'; mkdir($conf['savedir'] . \"/c\");",
                "savedir=/a/b;MakesDir /a/b/c",
            ),
            (
                "<?php class A { private $p = '/a/b'; const Q = '/a/q'; function f() { unlink($this->p); touch(self::Q . '/r'); } }",
                "Removes /a/b;Creates /a/q/r",
            ),
            (
                "<?php $d = \"/a/{$x}/b\"; move_uploaded_file($t, \"$d/f\");",
                "Writes /a/*/b/f",
            ),
            (
                "<?php $p = new PDO('sqlite:' . '/a/b.db'); session_save_path('/a/s');",
                "Writes /a/b.db;WritesBelow /a/s",
            ),
            (
                "<?php ini_set('error_log', '/a/e.log'); error_log('m', 3, '/a/f.log');",
                "Writes /a/e.log;Writes /a/f.log",
            ),
            (
                "<?php $a = ['cache' => '/a/c']; `rm -f /a/d`; exec('touch /a/e');",
                "cache=/a/c;Removes /a/d;Creates /a/e",
            ),
            (
                "<p><?php echo dirname(__DIR__, 2); fopen(dirname(__DIR__) . '/r', 'r');",
                "Reads /opt/x/r",
            ),
        ],
    );
}

#[test]
fn perl_paths_are_folded() {
    check(
        Language::Perl,
        &[
            (
                "use constant LOG => '/a/l';\nopen(my $f, '>>', LOG . '/x');\nopen F, \">/a/b\" or die;\nopen(G, '/a/c');",
                "Writes /a/l/x;Writes /a/b;Reads /a/c;LOG=/a/l",
            ),
            (
                "my $d = \"$FindBin::Bin/../data\";\nmkdir \"$d/q\", 0755 unless -d $d;",
                "MakesDir /opt/x/bin/../data/q;Names /opt/x/bin/../data",
            ),
            (
                "my $p = File::Spec->catfile(dirname(__FILE__), 'x');\nunlink($p);",
                "Removes /opt/x/bin/x",
            ),
            (
                "$cfg{data} = '/a' . '/b';\nmake_path($cfg{data});",
                "data=/a/b;MakesDir /a/b",
            ),
            (
                "my $h = DBI->connect(\"dbi:SQLite:dbname=/a/b.db\", '', '');\ndbmopen(%h, '/a/c', 0644);",
                "Writes /a/b.db;Writes /a/c",
            ),
            (
                "my %c = (dir => '/a/b', k => 1);\nrename '/a/x', '/a/y';",
                "dir=/a/b;Removes /a/x;Writes /a/y",
            ),
            (
                "system(\"rm -f /a/b\");\nsystem('mkdir', '/a/c');\nmy $o = `cat /a/d`;",
                "Removes /a/b;MakesDir /a/c;Reads /a/d",
            ),
            (
                "my $d = $ENV{D} || '/a/b';\nopendir(D, $d);\nchmod 0600, \"$d/k\";",
                "Reads /a/b;Grants /a/b/k",
            ),
            (
                "sub f { my ($p) = @_; my $q = \"/a/$p.lock\"; open(L, \">$q\"); }",
                "Writes /a/*.lock",
            ),
        ],
    );
}

#[test]
fn ruby_paths_are_folded() {
    check(
        Language::Ruby,
        &[
            (
                "LOG = File.join(File.dirname(__FILE__), '..', 'log')\ndef f\n  File.open(\"#{LOG}/x\", 'w') { |g| g.puts 1 }\nend",
                "Writes /opt/x/bin/../log/x;LOG=/opt/x/bin/../log",
            ),
            (
                "D = File.expand_path('../data', __dir__)\nFileUtils.mkdir_p D",
                "MakesDir /opt/x/bin/../data",
            ),
            (
                "@p = ENV.fetch('P', '/a/b')\nFile.delete(@p)\nLogger.new('/a/l')",
                "Removes /a/b;Writes /a/l",
            ),
            (
                "h = { :path => '/a/b', data: '/a/c' }\nsystem \"touch /a/d\"",
                "path=/a/b;data=/a/c;Creates /a/d",
            ),
            (
                "d = x ? '/a' : '/b'\nFile.write(d + '/c', 1)\nSQLite3::Database.new '/a/d.db'",
                "Writes /a/c;Writes /b/c;Writes /a/d.db",
            ),
        ],
    );
}

#[test]
fn javascript_paths_are_folded() {
    check(
        Language::JavaScript,
        &[
            (
                "const DATA = process.env.DATA || path.join(__dirname, '..', 'data');\nfs.mkdirSync(DATA, { recursive: true });\nfs.writeFileSync(`${DATA}/db.json`, x);",
                "MakesDir /opt/x/bin/../data;Writes /opt/x/bin/../data/db.json;DATA=/opt/x/bin/../data",
            ),
            (
                "import { readFile } from 'node:fs/promises';\nconst here = dirname(fileURLToPath(import.meta.url));\nawait readFile(join(here, 'a.json'));",
                "Reads /opt/x/bin/a.json;here=/opt/x/bin",
            ),
            (
                "const f = new URL('../store/a.db', import.meta.url);\nconst db = new Database(f);",
                "Writes /opt/x/bin/../store/a.db",
            ),
            (
                "class A { constructor(o = {}) { this.dir = o.dir ?? '/srv/x'; }\n  save(n) { fs.promises.writeFile(this.dir + '/' + n, '1'); fs.unlink(`${this.dir}/old`, cb); } }",
                "Writes /srv/x/*;Removes /srv/x/old;dir=/srv/x",
            ),
            (
                "module.exports.logs = '/var/log/x';\nconst l = winston.createLogger({ transports: [new winston.transports.File({ filename: '/var/log/x/a.log' })] });",
                "logs=/var/log/x;Writes /var/log/x/a.log;filename=/var/log/x/a.log",
            ),
            (
                "const upload = multer({ dest: path.resolve('/srv', 'x', 'uploads') });\napp.listen('/run/x/x.sock');\napp.listen(8080, '::');",
                "WritesBelow /srv/x/uploads;dest=/srv/x/uploads;Creates /run/x/x.sock",
            ),
            (
                "const { spawn, exec } = require('child_process');\nspawn('convert', ['-i', '/srv/x/a.png', out]);\nexec('rm -f /srv/x/b');",
                "Run convert -i /srv/x/a.png *;Removes /srv/x/b",
            ),
            (
                "const t = fs.mkdtempSync(path.join(os.tmpdir(), 'x-'));\nfs.open('/srv/x/l', 'a', cb);\nfs.openSync('/srv/x/r');\nprocess.chdir('/srv/y');\nfs.appendFileSync('z', '');",
                "MakesDir /tmp/x-*;Writes /srv/x/l;Reads /srv/x/r;Writes /srv/y/z",
            ),
            (
                "const names = ['/a', '/b'].join('/');\nfs.writeFileSync(names, '');\nres.render('/srv/page'); Promise.resolve(1);",
                "!Writes",
            ),
        ],
    );
}

#[test]
fn text_that_costs_too_much_is_cut() {
    let began = Instant::now();
    for language in Language::ALL {
        for open in [
            "(", "$x{", "a+", "x ? ", "\"#{", "a=", "<<A ", "m/", "<?php (",
        ] {
            let _ = read(
                open.repeat(1500).as_bytes(),
                language,
                None,
                &Process::default(),
            );
        }
        assert!(read(&b"(".repeat(1000), language, None, &Process::default()).cut);
        assert!(read(&b"a+".repeat(50_000), language, None, &Process::default()).cut);
    }
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
    let long = "x = 1\n".repeat(MAX_TEXT / 6 + 10);
    assert!(read(long.as_bytes(), Language::Python, None, &Process::default()).cut);
}

#[test]
fn perls_documentation_and_data_are_no_program() {
    check(
        Language::Perl,
        &[(
            "=head1 X\n\nunlink('/a/b');\n\n=cut\n\nunlink('/a/c');\n__END__\nunlink('/a/d');\n",
            "Removes /a/c;!Removes /a/b;!Removes /a/d",
        )],
    );
}

/// A program whose other files say of everything what nobody should.
struct Echo;

/// A value in which every byte has another meaning for the reader than text has.
fn odd() -> Vec<Vec<u8>> {
    vec![(0..32).collect(), vec![14], b"/\x0f/~".to_vec()]
}

impl Program for Echo {
    fn load(&self, from: &[u8], _: Load<'_>) -> Option<Rc<Module>> {
        let names = ["a", "f()", "module.exports.a", "$x"];
        Some(Rc::new(Module {
            path: from.to_vec(),
            values: names.map(|name| (name.to_owned(), odd())).into(),
        }))
    }

    fn load_any(&self, _: &[u8], _: Load<'_>) {}

    fn search(&self, _: &[u8]) {}

    fn change_dir(&self, _: &[u8]) {}

    fn note(&self, _: &str, _: &[Vec<u8>]) {}

    fn known(&self, _: &str) -> Vec<Vec<u8>> {
        odd()
    }

    fn note_call(&self, _: &str, _: Parameter<'_>, _: &[Vec<u8>]) {}

    fn given(&self, _: &str, _: Parameter<'_>) -> Vec<Vec<u8>> {
        odd()
    }
}

fn echoed() -> Process<'static> {
    Process {
        dir: Some(b"/a"),
        home: Some(b"/h"),
        program: Some(&Echo),
        ..Process::default()
    }
}

#[test]
fn bytes_that_mean_something_here_mean_nothing_in_a_text() {
    let texts = [
        (
            Language::Python,
            "open('/a/\x0e', 'w')\ndef f(a):\n    open(a + '\x0f', 'w')\nf('\x0e')\n",
        ),
        (
            Language::JavaScript,
            "fs.writeFileSync('\x0e/b', c);\nfunction f(a) { return a; }\nfs.readFileSync(f(f('\x0e')));\n",
        ),
        (
            Language::Perl,
            "sub f { my ($a) = @_; open(F, \"> $a\\x0e\"); }\nf(\"\x0e\");\n",
        ),
        (
            Language::Php,
            "<?php function f($a) { unlink($a); }\nf('\x0e');\nunlink('\x0e');",
        ),
        (
            Language::Ruby,
            "def f(a)\n  File.write(a, '')\nend\nf(\"\x0e\")\nFile.write(\"\x0e\", '')\n",
        ),
    ];
    for (language, text) in texts {
        for process in [Process::default(), echoed()] {
            let script = read(text.as_bytes(), language, Some(b"/a/b"), &process);
            assert!(!script.cut, "{language:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for language in Language::ALL {
            let _ = read(&bytes, language, Some(b"/a/b"), &Process::default());
            let _ = read(&bytes, language, Some(b"/a/b"), &echoed());
        }
    }

    #[test]
    fn no_mix_of_syntax_breaks_the_reader(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "open(", "'", "\"", "/a/", "{", "}", "$x", "#{", "<?php ", "\n", " = ", "+", ".", ")",
                "def f(", "sub f {", "[", "]", "=>", "os.path.join(", "File.join(", "catfile(", "%s", "é", "`", ",", "# ", "\n// ", "\n* ", "''", "<",
            ]),
            0..40,
        )
    ) {
        let text = pieces.concat();
        for language in Language::ALL {
            let script = read(text.as_bytes(), language, Some(b"/a/b"), &Process::default());
            let _ = read(text.as_bytes(), language, Some(b"/a/b"), &echoed());
            let passed_over = !language.may_tell(text.as_bytes());
            prop_assert!(!passed_over || !script.ops.iter().any(is_wanted), "{:?}", script.ops);
        }
    }
}

#[test]
fn a_here_document_without_an_end_is_read_to_the_end() {
    for text in [
        "open(F, '/etc/x');\nprint <<X;\na $b c",
        "open(F, '/etc/x');\nprint <<\"X\" . \"a\";\n$b",
        "open(F, '/etc/x');\nprint <<X, <<Y;\na @{[ 1 ]} c\nX\n$d e",
    ] {
        let script = read(
            text.as_bytes(),
            Language::Perl,
            Some(b"/a/b"),
            &Process::default(),
        );
        assert!(
            !script.ops.is_empty() || script.cut || !script.faults.is_empty(),
            "{text}"
        );
    }
}

#[test]
fn a_text_without_any_sign_is_passed_over() {
    let cases: [(Language, &str, &[&str]); 5] = [
        (
            Language::JavaScript,
            "#!/usr/bin/env node\n// see /etc/x\n/*\n * /srv/x\n */\nconst fs = require('fs');\nmodule.exports = (f) => fs.readFileSync(f) / 2;\n",
            &[
                "fs.readFile(`/srv/x/y`)",
                "path.join(__dirname, 'x')",
                "new URL('x', import.meta.url)",
                "const d = os.tmpdir();",
                "execSync('ls')",
            ],
        ),
        (
            Language::Python,
            "#!/usr/bin/python3\n# see https://example.org/x and /etc/x\nimport os\nclass A:\n    size = 1 / n\n    def f(self): return open(self.name)\n",
            &["x = '/srv/x/y'", "p = Popen(args)", "x = f'{top}/var/x'"],
        ),
        (
            Language::Perl,
            "#!/usr/bin/perl\n# a/b, /etc/x\nprint \"</td>\";\n=head1 /x\n\n=cut\nuse strict; sub f { my $x = shift; return open(my $f, '<', $x) }\n",
            &[
                "open(F, \"</srv/x/y\");",
                "my $x = `ls`;",
                "open(F, '-|', 'ls');",
            ],
        ),
        (
            Language::Php,
            "<?php /* a */ // b\n/**\n * GET /admin/x\n */\n    // exec('x')\n$lang['x'] = 'the system <b>is</b> (http://example.org/x)';\n",
            &[
                "<?php system('ls');",
                "<?php\n/* a\n * b */ unlink('/a');",
                "<?php\n// a ?> <?php unlink('/a');",
                "<?php\n#[A('/srv/x')] class B {}",
                "<?php $x = '/' . 'srv/x';",
                "<?php $x = \"$top/etc/x\";",
            ],
        ),
        (
            Language::Ruby,
            "# a/b\nclass A\n  def f; File.read(@name); end\nend\n",
            &[
                "X = \"#{top}/var/x\"",
                "system 'ls'",
                "x = File.join('/', 'srv', 'x')",
            ],
        ),
    ];
    for (language, quiet, telling) in cases {
        assert!(!language.may_tell(quiet.as_bytes()), "{quiet}");
        for text in telling {
            assert!(language.may_tell(text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn a_path_that_is_joined_of_names_alone_is_no_text_without_a_sign() {
    check(
        Language::Perl,
        &[(
            "unlink(File::Spec->catfile('', 'srv', 'x', 'y'));",
            "Removes /srv/x/y",
        )],
    );
    check(
        Language::Ruby,
        &[("File.delete(File.join('', 'srv', 'x'))", "Removes /srv/x")],
    );
}
