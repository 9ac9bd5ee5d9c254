//! `.env.example`: right as it stands, complete, and of one mind with the table of settings.

use std::collections::BTreeSet;
use std::fs;

use dialdeck::config::{self, Loaded, PASSWORD_PLACEHOLDER, Problems, SETTINGS, Unset, Warning};

fn load(env_file: &str) -> Result<Loaded, Problems> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join(".env"), env_file).expect("writable");
    config::load(dir.path(), std::iter::empty())
}

#[test]
fn the_example_loads_as_it_stands_and_warns_of_its_password() {
    let example = include_str!("../.env.example");
    let loaded = load(example).expect("the example is right");
    let [warning] = &loaded.warnings[..] else {
        panic!("{:?}", loaded.warnings)
    };
    assert!(matches!(warning, Warning::PlaceholderPassword { .. }));
    assert_eq!(loaded.settings.ari.password.expose(), PASSWORD_PLACEHOLDER);
}

#[test]
fn the_example_loads_with_every_line_switched_on() {
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') && !rest.starts_with("ARI_CA_FILE") => rest.to_owned(),
        _ => line.to_owned(),
    };
    let lines: Vec<_> = include_str!("../.env.example")
        .lines()
        .map(uncommented)
        .collect();
    let loaded = load(&lines.join("\n")).expect("every example value is allowed");
    assert!(loaded.settings.mysql.is_some());
}

#[test]
fn the_example_names_exactly_the_settings_with_their_defaults() {
    let assignment = |line: &'static str| line.trim_start_matches('#').split_once('=');
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let example: Vec<_> = include_str!("../.env.example")
        .lines()
        .filter_map(assignment)
        .filter(|(name, _)| is_name(name))
        .collect();
    let names: BTreeSet<_> = example.iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<_> = SETTINGS.iter().map(|s| s.name).collect();
    assert_eq!(names, known);
    assert_eq!(names.len(), example.len(), "each stands once");
    for (name, value) in example {
        if let Unset::Default(default) = config::find(name).expect("known").unset {
            assert_eq!(value, default, "{name}");
        }
    }
}
