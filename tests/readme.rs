//! What README.md says is what the program does.

#[test]
fn the_table_of_keys_is_the_program_s_own() {
    let table = dialdeck::keys::markdown();
    let readme = include_str!("../README.md");
    assert!(
        readme.contains(&table),
        "README.md must have this table:\n{table}"
    );
}
