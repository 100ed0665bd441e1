//! Command-line conventions: help, terminal width, pipes, colours, completions, man pages.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::common::{Ran, fails, json, ok, run, twolayer};

/// Columns of terminals.
const WIDTHS: [usize; 3] = [40, 60, 80];

const COMMANDS: [&str; 16] = [
    "train",
    "lr-find",
    "tune",
    "eval",
    "compare",
    "predict",
    "gradcheck",
    "fetch",
    "data info",
    "data show",
    "export",
    "import",
    "completions",
    "man",
    "info",
    "data",
];

#[test]
fn without_arguments_it_prints_the_first_steps() {
    let ran = run("", &[]);
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    for words in ["twolayer train", "twolayer fetch mnist", "twolayer help"] {
        assert!(ran.stderr.contains(words), "{ran:#?}");
    }
    assert!(ran.stderr.lines().count() <= 12 && ran.stderr.lines().all(|line| line.len() <= 80), "{ran:#?}");
    for width in WIDTHS {
        let ran = run_in(Path::new("."), width, "");
        assert!(ran.stderr.contains("twolayer predict digits.model --index 0"), "{ran:#?}");
        assert_fits(&ran, width);
    }
}

#[test]
fn every_command_has_help_with_examples() {
    for command in COMMANDS {
        let text = ok(&format!("{command} --help"), &[]);
        assert!(text.contains("Examples:\n  twolayer "), "{command}: {text}");
        assert!(text.contains("--quiet"), "{command}: {text}");
    }
    let text = ok("--help", &[]);
    assert!(text.contains("Exit codes: 0 success; 1 failure") && text.contains("2 wrong usage"), "{text}");
    for command in COMMANDS {
        assert!(text.contains(command.split(' ').next().unwrap()), "{command} is not listed");
    }
}

/// Help is wrapped to the terminal: no line is longer than it, and no line is broken where the next word would still
/// have fitted, as happens with hard line breaks.
#[test]
fn help_is_wrapped_to_any_terminal_width() {
    for command in [""].iter().chain(&COMMANDS) {
        for (option, width) in
            ["--help", "-h"].into_iter().flat_map(|option| [60, 80, 100].map(|width| (option, width)))
        {
            let ran = run_in(Path::new("."), width, &format!("{command} {option}"));
            assert_fits(&ran, width);
            let lines: Vec<&str> = ran.stdout.lines().collect();
            let indent = |line: &str| line.len() - line.trim_start().len();
            for pair in lines.windows(2).filter(|pair| indent(pair[0]) == indent(pair[1])) {
                let word = pair[1].split_whitespace().next().unwrap_or_default();
                // Examples, commands and options stand below each other, and so do values and what is the default.
                let item = pair[0].trim_start().starts_with("twolayer") || pair[0].starts_with("  some-scanner");
                let item = item || (indent(pair[0]) == 2 || pair[0].ends_with(':'));
                let item = item || word.is_empty() || pair[0].is_empty() || word.starts_with(['-', '[']);
                let joined = pair[0].chars().count() + 1 + word.chars().count();
                assert!(item || joined > width, "{command} {option}, {width} columns: {pair:#?}");
            }
        }
    }
}

/// Runs the binary in a folder, before a terminal of so many columns.
fn run_in(folder: &Path, width: usize, arguments: &str) -> Ran {
    let mut command = twolayer();
    command.args(arguments.split_whitespace()).current_dir(folder).env("COLUMNS", width.to_string());
    Ran::new(format!("{width} columns: {command:?}"), command.output().unwrap())
}

fn assert_fits(ran: &Ran, width: usize) {
    for line in ran.stdout.lines().chain(ran.stderr.lines()) {
        assert!(line.chars().count() <= width, "{} columns: {line}\n{ran:#?}", line.chars().count());
    }
}

/// The numbers of a table end where their column's name ends.
fn assert_aligned(ran: &Ran) -> usize {
    const NAMES: [&str; 20] = [
        "epoch",
        "iterations",
        "loss",
        "test loss",
        "train",
        "test",
        "valid",
        "true",
        "precision",
        "recall",
        "accuracy",
        "only this",
        "F1",
        "images",
        "class",
        "mean diff",
        "max diff",
        "max rel",
        "backpropagation",
        "numerical",
    ];
    const FIRST: [&str; 6] = ["epoch ", "model ", "true ", "class ", "    ", "   mean diff"];
    let mut tables = 0;
    for block in ran.stdout.split("\n\n").map(|block| block.trim_matches('\n')) {
        let (header, rows) = block.split_once('\n').unwrap_or((block, ""));
        if !FIRST.iter().any(|first| header.starts_with(first)) {
            continue;
        }
        let names: Vec<_> = NAMES.iter().filter_map(|name| Some(header.rfind(name)? + name.len())).collect();
        tables += usize::from(!names.is_empty());
        for row in rows.lines().take_while(|row| row.chars().any(|c| c.is_ascii_digit())) {
            for &end in &names {
                let around = (row.as_bytes()[end - 1], row.as_bytes().get(end).unwrap_or(&b' '));
                assert!(around.0 != b' ' && *around.1 == b' ', "column {end} of {row:?} below {header:?}: {ran:#?}");
            }
            let ragged = header.trim_start().starts_with(['m', 'w', 'b', 'n']);
            assert!(ragged || row.len() == header.len(), "{row:?} below {header:?}: {ran:#?}");
        }
    }
    tables
}

#[test]
fn what_commands_print_fits_a_narrow_terminal_and_is_aligned() {
    let scratch = tempfile::tempdir().unwrap();
    // A stroke on paper, and a file that shows nothing.
    let drawn: String =
        (0..400).map(|i| if i % 20 / 2 == 4 && (40..360).contains(&i) { "0 " } else { "255 " }).collect();
    fs::write(scratch.path().join("one.pgm"), format!("P2 20 20 255 {drawn}")).unwrap();
    let deep = scratch.path().join("a-file-with-a-long-name");
    fs::create_dir(&deep).unwrap();
    fs::copy(scratch.path().join("one.pgm"), deep.join("one.pgm")).unwrap();
    for width in WIDTHS {
        for (line, tables) in [
            ("train --epochs 4 --batch 400 --lr 0.5 --out m --log l --report r.html --plot c.svg", 1),
            ("train --epochs 30 --validation 0.1 --patience 2 --optimizer adam --activation relu --init he", 1),
            ("train --iters 2 --gradient numerical --checkpoint k --threads 2 --quiet", 0),
            ("eval m --report r.html", 2),
            ("compare m m --report r.html", 1),
            ("predict m --index 0", 0),
            ("predict m one.pgm", 0),
            ("predict m one.pgm a-file-with-a-long-name/one.pgm", 0),
            ("gradcheck", 1),
            ("gradcheck m --batch 10 --brute-force", 1),
            ("data info", 1),
            ("data show --index 0..6", 0),
            ("export m --out m.npz", 0),
            ("export m --out m.onnx", 0),
            ("export m --out m.h", 0),
            ("export m --out m.html", 0),
            ("import m.npz --out n", 0),
            ("man --dir d", 0),
            ("info", 0),
        ] {
            let ran = run_in(scratch.path(), width, line);
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
            assert_fits(&ran, width);
            let found = assert_aligned(&ran);
            assert!(found >= tables, "{found} tables in {ran:#?}");
        }
    }
    let ran = run_in(scratch.path(), 40, "gradcheck --tolerance 1e-16");
    assert!(ran.stdout.contains("FAIL"), "{ran:#?}");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 40), "{ran:#?}");
}

/// Without a known width, lines are not wrapped, for programs and files.
#[test]
fn lines_to_a_pipe_are_not_wrapped() {
    let text = ok("gradcheck", &[]);
    assert!(text.lines().any(|line| line.contains("mean diff") && line.contains("numerical")), "{text}");
    assert!(text.contains("Data      bundled digits (no --data): the first 100 training images of 8 x 8\n"), "{text}");
}

#[test]
fn quiet_prints_results_without_notes_on_every_command() {
    let scratch = tempfile::tempdir().unwrap();
    let quiet = |line: &str| {
        let ran = run_in(scratch.path(), 80, &format!("--quiet {line}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
        ran.stdout
    };
    assert!(quiet("train --iters 5 --activation relu --out m").starts_with("Trained   5 iterations"));
    let (_, numbers) = (quiet("export m --out m.npz"), quiet("import m.npz --activation relu --out n"));
    assert!(numbers.starts_with("Model     n: 64 -> 50 -> 10"), "{numbers}");
    assert!(quiet("eval m").starts_with("Accuracy"));
    assert!(quiet("compare m m").starts_with("Answer"));
    assert!(quiet("predict m --index 0").starts_with("Answer"));
    assert!(quiet("predict m --csv p.csv").starts_with("Accuracy"));
    assert!(!quiet("gradcheck --hidden 5").contains("Network"));
    assert!(quiet("train --seeds 0..1 --iters 5").starts_with("Trained   2 runs"));
    assert!(quiet("export m --out m.onnx").starts_with("Written   m.onnx"));
    assert_eq!(quiet("man --dir d").lines().count(), 1);
    assert_eq!(run_in(scratch.path(), 80, "man --dir d").stdout.lines().count(), 2, "a result and a note");
}

#[test]
fn colours_are_off_in_pipes_and_when_disabled() {
    let help = |variables: &[(&str, &str)]| {
        let mut command = twolayer();
        command.arg("--help").env_remove("NO_COLOR").envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(help(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!help(&[]).contains('\u{1b}'), "no colours in a pipe");
    assert!(!help(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn what_matters_is_coloured_where_colours_are_wanted() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("m");
    ok("train --quiet --iters 300 --lr 0.5 --out {}", &[&model]);
    let run_with = |line: &str, variables: &[(&str, &str)]| {
        let mut command = twolayer();
        command
            .args(line.split(' '))
            .current_dir(scratch.path())
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied());
        Ran::new(line.into(), command.output().unwrap())
    };
    let (red, green) = ("\u{1b}[1m\u{1b}[31m", "\u{1b}[1m\u{1b}[32m");
    let plain = ok("eval {}", &[&model]);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let coloured = run_with("eval m --color always", &[("NO_COLOR", "1")]).stdout;
    assert!(
        coloured.contains(red) && coloured.matches(green).count() >= 8,
        "the worst pairs and the diagonal: {coloured}"
    );
    for (line, variables) in [("eval m", vec![]), ("eval m --color never", vec![("CLICOLOR_FORCE", "1")])] {
        assert!(!run_with(line, &variables).stdout.contains('\u{1b}'), "{line}");
    }
    // The same words and columns, whether coloured or not.
    let mut bare = coloured;
    while let Some(at) = bare.find('\u{1b}') {
        let end = at + bare[at..].find('m').unwrap();
        bare.replace_range(at..=end, "");
    }
    assert_eq!(bare, run_with("eval m", &[]).stdout);
    let answer = run_with("--color=always predict m --index 0", &[]).stdout;
    assert!(answer.contains(&format!("{green}right")) || answer.contains(&format!("{red}wrong")), "{answer}");
    for line in ["--color always eval none", "eval m --color always --nope"] {
        assert!(run_with(line, &[]).stderr.starts_with("\u{1b}[1m\u{1b}[31merror:"), "{line}");
    }
    assert!(run_with("train --help --color always", &[]).stdout.contains('\u{1b}'));
    assert!(!run_with("--help --color never", &[("CLICOLOR_FORCE", "1")]).stdout.contains('\u{1b}'));
    assert!(!run_with("eval m --json --color always", &[]).stdout.contains('\u{1b}'), "JSON has no colours");
    fails(2, "eval m --color sometimes", &[], &["sometimes", "auto, always, never"]);
}

#[test]
fn misspelt_words_get_suggestions() {
    for (line, meant) in [
        ("trian", "train"),
        ("train --optimiser adam", "--optimizer"),
        ("predict m --indx 3", "--index"),
        ("fetsh", "fetch"),
    ] {
        fails(2, line, &[], &["similar", meant]);
    }
}

#[test]
fn shells_complete_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = ok(&format!("completions {shell}"), &[]);
        for word in ["train", "gradcheck", "fetch", "optimizer", "checkpoint"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
    fails(2, "completions tcsh", &[], &["bash", "zsh"]);
}

#[test]
fn there_is_a_man_page_for_each_command() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("man1");
    ok("man --dir {}", &[&folder]);
    for command in COMMANDS {
        let page = fs::read_to_string(folder.join(format!("twolayer-{}.1", command.replace(' ', "-")))).unwrap();
        assert!(page.contains(".TH") && page.contains(".SH SYNOPSIS"), "{command}: {page}");
    }
    let page = fs::read_to_string(folder.join("twolayer-train.1")).unwrap();
    assert!(page.contains("\\-\\-optimizer") && page.contains("twolayer\\-train"), "{page}");
    fails(1, "man --dir /dev/null/man", &[], &["/dev/null/man"]);
}

#[test]
fn long_names_and_capitals_are_understood() {
    let scratch = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| scratch.path().join(name));
    ok("train --quiet --lr 0.2 --iters 30 --batch 20 --activation relu --init he --precision f64 --out {}", &[&one]);
    let long = "--learning-rate 0.2 --iterations 30 --batch-size 20";
    let capitals =
        "--activation ReLU --init He --precision F64 --isa Scalar --threads AUTO --rng ChaCha8 --optimizer SGD";
    ok(&format!("train --quiet {long} {capitals} --out {{}}"), &[&other]);
    assert!(fs::read(&one).unwrap() == fs::read(&other).unwrap());
    assert_eq!(json("eval {} --split TRAIN", &[&one])["rows"], 1437);
}

/// `-` and `/dev/stdout` are standard output, and `-` is standard input, for every file.
#[cfg(unix)]
#[test]
fn files_are_piped_from_command_to_command() {
    let scratch = tempfile::tempdir().unwrap();
    let [model, npz] = ["model", "weights.npz"].map(|name| scratch.path().join(name));
    let run = "train --iters 50 --lr 0.5";
    ok(&format!("{run} --quiet --out {{}}"), &[&model]);
    let bytes = fs::read(&model).unwrap();
    let piped = |arguments: &str, input: &[u8]| {
        let mut command = twolayer();
        command.args(arguments.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let written = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&written));
        let output = child.wait_with_output().unwrap();
        // A command that does not read its input leaves a broken pipe.
        let _ = writer.join().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        (output.stdout, String::from_utf8(output.stderr).unwrap())
    };
    for name in ["-", "/dev/stdout", "/dev/fd/1"] {
        let (stdout, stderr) = piped(&format!("{run} --out {name}"), b"");
        assert!(stdout == bytes, "{name}: {} bytes", stdout.len());
        assert!(stderr.contains("Accuracy") && stderr.contains("standard output"), "{stderr}");
    }
    let expected = ok("eval {} --quiet", &[&model]);
    assert_eq!(String::from_utf8(piped("eval - --quiet", &bytes).0).unwrap(), expected);
    assert_eq!(
        String::from_utf8(piped("predict - --index 0 --quiet", &bytes).0).unwrap(),
        ok("predict {} --index 0 --quiet", &[&model])
    );
    let (exported, _) = piped("export - --format npz --out -", &bytes);
    ok("export {} --out {}", &[&model, &npz]);
    assert!(exported == fs::read(&npz).unwrap());
    let (imported, told) = piped("import - --out -", &exported);
    fs::write(&npz, imported).unwrap();
    assert_eq!(ok("eval {} --quiet", &[&npz]), expected, "{told}");
    let (checkpoint, log) = (scratch.path().join("checkpoint"), b"iteration,loss\n0,");
    ok("train --quiet --iters 20 --lr 0.5 --checkpoint {}", &[&checkpoint]);
    let (resumed, _) = piped("train --resume - --iters 50 --out -", &fs::read(&checkpoint).unwrap());
    assert!(resumed == bytes);
    assert!(piped("train --iters 5 --log -", b"").0.starts_with(log));
    assert!(piped("eval - --report -", &bytes).0.starts_with(b"<!DOCTYPE html>"));
    fails(2, "train --out - --log /dev/stdout", &[], &["--out and --log", "standard output"]);
    fails(2, "train --checkpoint -", &[], &["--checkpoint", "again and again"]);
}
