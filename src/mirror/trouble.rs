//! What stands against the copy, in one sentence with the mend.

use std::io::ErrorKind;

use mysql_async::{DriverError, Error, IoError};

use super::table::Unfit;
use crate::ari::harmless;
use crate::config::Mysql;

/// Why rows could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The sentence.
    pub(super) why: String,
    /// What it is about.
    pub(super) about: About,
}

/// What a trouble is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The connection, the server, or the table as a whole.
    Server,
    /// There is no such table.
    NoTable,
    /// One of the rows: others may be taken.
    Row,
}

impl Trouble {
    pub(super) fn server(why: String) -> Self {
        let about = About::Server;
        Self { why, about }
    }

    /// Nothing came back in time.
    pub(super) fn silence(mysql: &Mysql, seconds: u64) -> Self {
        Self::server(format!(
            "MySQL at {} does not answer within {seconds} s: look at its load, and at whether \
             MYSQL_HOST and MYSQL_PORT are right",
            place(mysql)
        ))
    }

    /// It takes no rows from anybody.
    pub(super) fn read_only(mysql: &Mysql, said: &str) -> Self {
        Self::server(format!(
            "MySQL at {} is read-only: name the server that writes in MYSQL_HOST ({said})",
            place(mysql)
        ))
    }

    /// What the client or the server says.
    pub(super) fn of(mysql: &Mysql, error: &Error) -> Self {
        match error {
            Error::Server(said) => of_server(mysql, said.code, &harmless(&said.message)),
            Error::Io(IoError::Io(error)) => Self::server(of_io(mysql, error)),
            // MySQL asks also those it doesn't know for some plugin: nobody is to learn who is
            // known.
            Error::Driver(DriverError::UnknownAuthPlugin { name }) => Self::server(format!(
                "MySQL refuses the login of {}: check MYSQL_USER and MYSQL_PASSWORD; if they are \
                 right, give the account a password (mysql_native_password or \
                 caching_sha2_password), for it asks for {}, which Dialdeck does not know",
                mysql.user,
                harmless(name)
            )),
            Error::Driver(DriverError::ConnectionClosed) => Self::server(format!(
                "MySQL at {} has closed the connection",
                place(mysql)
            )),
            other => Self::server(harmless(&other.to_string())),
        }
    }
}

impl From<Unfit> for Trouble {
    fn from(unfit: Unfit) -> Self {
        Self::server(unfit.to_string())
    }
}

fn place(mysql: &Mysql) -> String {
    format!("{}:{}", mysql.host, mysql.port)
}

fn of_io(mysql: &Mysql, error: &std::io::Error) -> String {
    let place = place(mysql);
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("nothing listens at {place}: start MySQL, or check MYSQL_HOST and MYSQL_PORT")
        }
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            format!("MySQL at {place} has closed the connection")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            format!("there is no way to {place}: check MYSQL_HOST and the network")
        }
        _ if error.to_string().contains("lookup") => {
            format!("nobody knows the host {}: check MYSQL_HOST", mysql.host)
        }
        _ => format!(
            "MySQL at {place} can't be reached: {}",
            harmless(&error.to_string())
        ),
    }
}

/// By the server's error codes, which MySQL and MariaDB share.
fn of_server(mysql: &Mysql, code: u16, said: &str) -> Trouble {
    let Mysql {
        user,
        database,
        table,
        ..
    } = mysql;
    let why = match code {
        1045 | 1698 => format!(
            "MySQL refuses the login of {user}: check MYSQL_USER and MYSQL_PASSWORD ({said})"
        ),
        1130 | 1129 => format!(
            "MySQL at {} takes no connection from this machine: CREATE USER '{user}'@'this \
             machine' ({said})",
            place(mysql)
        ),
        1049 => {
            format!(
                "MySQL has no database {database}: CREATE DATABASE `{database}`, or check MYSQL_DATABASE"
            )
        }
        1044 | 1142 | 1143 | 1227 | 1370 => format!(
            "{user} may not write the table: GRANT SELECT, INSERT, UPDATE, CREATE ON \
             `{database}`.* TO '{user}' ({said})"
        ),
        1146 => {
            let why = format!("MySQL has no table {table} in {database}");
            let about = About::NoTable;
            return Trouble { why, about };
        }
        1205 | 1213 | 3572 => format!(
            "the table {table} is locked by somebody else: SHOW PROCESSLIST names them ({said})"
        ),
        1040 | 1203 | 1226 => {
            format!("MySQL takes no further connection: raise its max_connections ({said})")
        }
        1290 | 1792 | 1836 | 3100 => return Trouble::read_only(mysql, said),
        1021 | 1114 => format!("MySQL has no room for the table {table}: free some disk ({said})"),
        3159 => format!(
            "MySQL wants encryption, which Dialdeck does not speak to it: let {user} in without \
             over loopback or a tunnel ({said})"
        ),
        1054 | 1364 => {
            format!("the table {table} has other columns: {said}; give further ones a default")
        }
        // Data too long, out of range, wrong for the type, NULL, a constraint, a trigger.
        1048 | 1062 | 1264 | 1265 | 1292 | 1366 | 1406 | 1452 | 1644 | 3819 | 4025 => {
            let why = format!(
                "the table {table} does not take a call: {said}; give it columns as wide as README says"
            );
            let about = About::Row;
            return Trouble { why, about };
        }
        _ => format!("MySQL says: {said} (error {code})"),
    };
    Trouble::server(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mysql() -> Mysql {
        Mysql {
            host: "db.example".to_owned(),
            port: 3306,
            user: "dialer".to_owned(),
            password: None,
            database: "calls".to_owned(),
            table: "legs".to_owned(),
        }
    }

    /// What MySQL and MariaDB say of a single row, by their names for it. A row that they refuse
    /// is put aside, and those beside it are written.
    const OF_A_ROW: [(u16, &str); 11] = [
        (1048, "ER_BAD_NULL_ERROR"),
        (1062, "ER_DUP_ENTRY"),
        (1264, "ER_WARN_DATA_OUT_OF_RANGE"),
        (1265, "WARN_DATA_TRUNCATED"),
        (1292, "ER_TRUNCATED_WRONG_VALUE"),
        (1366, "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD"),
        (1406, "ER_DATA_TOO_LONG"),
        (1452, "ER_NO_REFERENCED_ROW_2"),
        (1644, "ER_SIGNAL_EXCEPTION"),
        (3819, "ER_CHECK_CONSTRAINT_VIOLATED"),
        (4025, "ER_CONSTRAINT_FAILED"),
    ];

    #[test]
    fn errors_of_a_row_are_told_from_errors_of_the_server_and_the_table() {
        for (code, name) in OF_A_ROW {
            let trouble = of_server(&mysql(), code, name);
            assert_eq!(trouble.about, About::Row, "{code} {name}");
            let says = trouble.why.contains(name) && trouble.why.contains("the table legs");
            assert!(says, "{}", trouble.why);
        }
        for code in 1000..=5000 {
            if OF_A_ROW.iter().any(|(of_a_row, _)| *of_a_row == code) {
                continue;
            }
            let expected = match code {
                1146 => About::NoTable,
                _ => About::Server,
            };
            let trouble = of_server(&mysql(), code, "it said this");
            assert_eq!(trouble.about, expected, "{code}");
        }
    }
}
