//! What a person and a shell may expect of any program.

mod common;

use std::fs;

use common::{fails, ok, run, twolayer};

const COMMANDS: [&str; 13] = [
    "train",
    "eval",
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
fn alone_it_tells_what_to_do_first() {
    let ran = run("", &[]);
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    for words in ["twolayer train", "twolayer fetch mnist", "twolayer help"] {
        assert!(ran.stderr.contains(words), "{ran:#?}");
    }
    assert!(ran.stderr.lines().count() <= 12 && ran.stderr.lines().all(|line| line.len() <= 80), "{ran:#?}");
}

#[test]
fn every_command_has_help_with_examples_that_fits_a_terminal() {
    for command in COMMANDS {
        let text = ok(&format!("{command} --help"), &[]);
        assert!(text.contains("Examples:\n  twolayer "), "{command}: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{command}: {text}");
    }
    let text = ok("--help", &[]);
    assert!(text.contains("Exit codes: 0 success; 1 failure") && text.contains("2 wrong usage"), "{text}");
    for command in COMMANDS {
        assert!(text.contains(command.split(' ').next().unwrap()), "{command} is not listed");
    }
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    let help = |variables: &[(&str, &str)]| {
        let mut command = twolayer();
        command.arg("--help").env_remove("NO_COLOR").envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(help(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!help(&[]).contains('\u{1b}'), "a pipe wants none");
    assert!(!help(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn slips_are_answered_with_what_may_have_been_meant() {
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
