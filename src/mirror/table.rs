//! The table: how it is made, what is asked of one that is there, and how rows are written.

use std::collections::BTreeMap;

use super::row::{COLUMNS, FURTHER};

/// What a table that is there says of itself.
#[derive(Debug, Default)]
pub(super) struct FoundTable {
    /// The names of its columns, with their types.
    pub(super) columns: Vec<(String, String)>,
    /// Those that must be given a value in each row, with their types.
    pub(super) demanding: Vec<(String, String)>,
    /// The columns of each unique index, by the index's name.
    pub(super) unique: BTreeMap<String, Vec<String>>,
}

/// Why rows can't be written into a table without harm, with the mend.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the table {table} lacks {columns}: {mend}")]
    Lacks {
        table: String,
        columns: String,
        mend: String,
    },
    #[error(
        "the table {table} demands a value in {columns}, of which Dialdeck knows nothing: {mend}"
    )]
    Demands {
        table: String,
        columns: String,
        mend: String,
    },
    #[error(
        "in the table {table} call_id has no unique index of its own, so calls would be written \
         twice: ALTER TABLE `{table}` ADD UNIQUE (call_id)"
    )]
    NoKey { table: String },
    #[error(
        "the table {table} has the unique index {index} over {columns}, so one call would \
         overwrite another: ALTER TABLE `{table}` DROP INDEX `{index}`"
    )]
    OtherKey {
        table: String,
        index: String,
        columns: String,
    },
}

/// The table as the replaced program made it.
pub(super) fn create(table: &str) -> String {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, kind)| format!("{} {kind}", quoted(name)))
        .collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {} ({}, `created_at` TIMESTAMP DEFAULT CURRENT_TIMESTAMP, \
         PRIMARY KEY (`call_id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        quoted(table),
        columns.join(", ")
    )
}

/// Writes so many rows, whole or not at all. A row that is there keeps what it has where the
/// new one says nothing: a statement that comes late, because the server slept over it, cannot
/// undo a later one.
/// `further` are those of [`FURTHER`] that the table has.
pub(super) fn upsert(table: &str, further: &[usize], rows: usize) -> String {
    let further = further.iter().map(|at| FURTHER[*at]);
    let columns = COLUMNS.into_iter().chain(further);
    let names: Vec<String> = columns.map(|(name, _)| quoted(name)).collect();
    let one = format!("({})", vec!["?"; names.len()].join(","));
    let updates: Vec<String> = names[1..]
        .iter()
        .map(|name| format!("{name}=COALESCE(VALUES({name}),{name})"))
        .collect();
    format!(
        "INSERT INTO {} ({}) VALUES {} ON DUPLICATE KEY UPDATE {}",
        quoted(table),
        names.join(","),
        vec![one.as_str(); rows].join(","),
        updates.join(",")
    )
}

impl FoundTable {
    /// Whether calls can be written: every column there, one row a call, and no other key by
    /// which one call could be taken for another. Further columns and keys are not ours.
    pub(super) fn check(&self, table: &str) -> Result<(), Unfit> {
        let table = table.to_owned();
        let has = |name: &str| {
            self.columns
                .iter()
                .any(|(c, _)| c.eq_ignore_ascii_case(name))
        };
        let lacking: Vec<_> = COLUMNS.iter().filter(|(name, _)| !has(name)).collect();
        if !lacking.is_empty() {
            let names: Vec<&str> = lacking.iter().map(|(name, _)| *name).collect();
            let adds: Vec<String> = lacking
                .iter()
                .map(|(name, kind)| format!("ADD COLUMN {} {kind}", quoted(name)))
                .collect();
            let mend = format!("ALTER TABLE {} {}", quoted(&table), adds.join(", "));
            let columns = names.join(", ");
            return Err(Unfit::Lacks {
                table,
                columns,
                mend,
            });
        }
        if let Some(unfit) = self.demands(&table) {
            return Err(unfit);
        }
        let is_call_id = |name: &String| name.eq_ignore_ascii_case("call_id");
        let own = |columns: &Vec<String>| columns.len() == 1 && columns.iter().all(is_call_id);
        if !self.unique.values().any(own) {
            return Err(Unfit::NoKey { table });
        }
        for (index, columns) in &self.unique {
            let ours = |c: &String| COLUMNS.iter().any(|(name, _)| c.eq_ignore_ascii_case(name));
            if !columns.iter().any(is_call_id) && columns.iter().any(ours) {
                return Err(Unfit::OtherKey {
                    table,
                    index: index.clone(),
                    columns: columns.join(", "),
                });
            }
        }
        Ok(())
    }
}

impl FoundTable {
    /// Which of [`FURTHER`] it has: a column of that name that must have a value is another's.
    pub(super) fn further(&self) -> Vec<usize> {
        let has = |columns: &[(String, String)], name: &str| {
            columns.iter().any(|(c, _)| c.eq_ignore_ascii_case(name))
        };
        let all = FURTHER.iter().enumerate();
        all.filter(|(_, (name, _))| has(&self.columns, name) && !has(&self.demanding, name))
            .map(|(at, _)| at)
            .collect()
    }

    /// Columns of the user's that no row of ours could fill.
    fn demands(&self, table: &str) -> Option<Unfit> {
        let ours = |name: &str| COLUMNS.iter().any(|(c, _)| c.eq_ignore_ascii_case(name));
        let others: Vec<_> = self.demanding.iter().filter(|(c, _)| !ours(c)).collect();
        if others.is_empty() {
            return None;
        }
        let names: Vec<&str> = others.iter().map(|(name, _)| name.as_str()).collect();
        let changes: Vec<String> = others
            .iter()
            .map(|(name, kind)| format!("MODIFY {} {kind} NULL", quoted(name)))
            .collect();
        Some(Unfit::Demands {
            table: table.to_owned(),
            columns: names.join(", "),
            mend: format!("ALTER TABLE {} {}", quoted(table), changes.join(", ")),
        })
    }

    /// The columns that are narrower than the replaced program made them, with the mend.
    pub(super) fn narrow(&self, table: &str) -> Option<String> {
        let narrow: Vec<_> = COLUMNS
            .iter()
            .filter(|(name, kind)| {
                let has = self
                    .columns
                    .iter()
                    .find(|(c, _)| c.eq_ignore_ascii_case(name));
                has.is_some_and(|(_, has)| length(has) < length(kind))
            })
            .collect();
        if narrow.is_empty() {
            return None;
        }
        let names: Vec<&str> = narrow.iter().map(|(name, _)| *name).collect();
        let changes: Vec<String> = narrow
            .iter()
            .map(|(name, kind)| format!("MODIFY {} {kind}", quoted(name)))
            .collect();
        Some(format!(
            "the table {table} may be too narrow in {}, and calls that do not fit would \
             wait: ALTER TABLE {} {}",
            names.join(", "),
            quoted(table),
            changes.join(", ")
        ))
    }
}

/// How many characters a column of this type takes, where it is text.
fn length(kind: &str) -> Option<u32> {
    let kind = kind.to_ascii_lowercase();
    let of = |prefix| kind.strip_prefix(prefix)?.split(')').next()?.parse().ok();
    let text = kind.contains("text").then_some(match kind.as_str() {
        "tinytext" => 255,
        _ => 65_535,
    });
    of("varchar(").or_else(|| of("char(")).or(text)
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(unique: &[(&str, &[&str])]) -> FoundTable {
        let columns = COLUMNS
            .iter()
            .map(|(name, kind)| (name.to_uppercase(), kind.to_string()));
        FoundTable {
            columns: columns
                .chain([("REMARK".to_owned(), "text".to_owned())])
                .collect(),
            demanding: vec![("CALL_ID".to_owned(), "char(36)".to_owned())],
            unique: unique
                .iter()
                .map(|(index, columns)| {
                    let columns = columns.iter().map(|&c| c.to_owned()).collect();
                    ((*index).to_owned(), columns)
                })
                .collect(),
        }
    }

    #[test]
    fn further_columns_and_keys_over_them_are_none_of_our_business() {
        let table = found(&[("PRIMARY", &["id"]), ("call", &["CALL_ID"])]);
        assert_eq!(table.check("calls"), Ok(()));
    }

    #[test]
    fn a_table_that_lacks_columns_is_told_the_statement_that_adds_them() {
        let mut table = found(&[("PRIMARY", &["call_id"])]);
        table
            .columns
            .retain(|(c, _)| c != "LEG_A_PEER" && c != "LEG_B_END");
        let why = table.check("calls").expect_err("it is unfit").to_string();
        assert_eq!(
            why,
            "the table calls lacks leg_a_peer, leg_b_end: ALTER TABLE `calls` ADD COLUMN \
             `leg_a_peer` VARCHAR(255), ADD COLUMN `leg_b_end` DATETIME NULL"
        );
    }

    #[test]
    fn a_table_that_demands_more_than_a_call_has_is_told_the_statement_that_ends_that() {
        let mut table = found(&[("PRIMARY", &["call_id"])]);
        table.demanding.push(("shop".to_owned(), "int".to_owned()));
        let why = table.check("calls").expect_err("it is unfit").to_string();
        assert_eq!(
            why,
            "the table calls demands a value in shop, of which Dialdeck knows nothing: ALTER \
             TABLE `calls` MODIFY `shop` int NULL"
        );
    }

    #[test]
    fn a_table_in_which_calls_could_double_is_refused() {
        let table = found(&[("PRIMARY", &["id"]), ("both", &["call_id", "id"])]);
        let why = table.check("calls").expect_err("it is unfit");
        assert!(matches!(why, Unfit::NoKey { .. }), "{why}");
    }

    #[test]
    fn a_table_in_which_one_call_could_overwrite_another_is_refused() {
        let table = found(&[
            ("PRIMARY", &["call_id"]),
            ("person", &["leg_a_number", "day"]),
        ]);
        let why = table.check("calls").expect_err("it is unfit");
        assert!(matches!(why, Unfit::OtherKey { .. }), "{why}");
        let table = found(&[
            ("PRIMARY", &["call_id"]),
            ("person", &["call_id", "leg_a_number"]),
        ]);
        assert_eq!(table.check("calls"), Ok(()));
    }

    #[test]
    fn what_the_replaced_program_did_not_have_is_written_only_where_the_table_has_it() {
        let mut table = found(&[("PRIMARY", &["call_id"])]);
        assert_eq!(table.further(), Vec::<usize>::new());
        assert!(!upsert("calls", &table.further(), 1).contains("agent"));
        for name in ["Talk_Seconds", "agent"] {
            table.columns.push((name.to_owned(), "text".to_owned()));
        }
        assert_eq!(table.further(), [0, 3]);
        let statement = upsert("calls", &table.further(), 2);
        let row = vec!["?"; COLUMNS.len() + 2].join(",");
        assert!(
            statement.contains(&format!("VALUES ({row}),({row})")),
            "{statement}"
        );
        assert!(
            statement.contains("`agent`=COALESCE(VALUES(`agent`),`agent`)"),
            "{statement}"
        );
        assert!(!statement.contains("wait_seconds"), "{statement}");
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted("a`; DROP TABLE b"), "`a``; DROP TABLE b`");
    }
}
