//! A real MariaDB on loopback, with a folder of its own, for one test.
//!
//! What it lacks is installed (`tests/needs`). It has a database `calls` and an account
//! `dialer` with the rights that README asks for.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row, Value};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long a server may take to start or end.
const PATIENCE: Duration = Duration::from_secs(60);
/// The password of `dialer`.
pub(crate) const PASSWORD: &str = "s3cret of the dialer";

/// A server. It is killed when this is dropped.
pub(crate) struct MariaDb {
    dir: TempDir,
    port: u16,
    child: Option<Child>,
    runtime: Runtime,
}

/// A row by the names of its columns; `None` is NULL.
pub(crate) type Named = Vec<(String, Option<String>)>;

/// A connection that stays open.
pub(crate) struct Session<'a> {
    conn: Conn,
    runtime: &'a Runtime,
}

impl MariaDb {
    /// A server with an empty database.
    pub(crate) fn start() -> Self {
        let mut server = Self::prepare();
        server.up();
        server.run("CREATE DATABASE calls CHARACTER SET utf8mb4");
        server.run(&format!(
            "CREATE USER dialer@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'"
        ));
        server.run("GRANT SELECT, INSERT, UPDATE, CREATE ON calls.* TO dialer@'127.0.0.1'");
        server
    }

    fn prepare() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let copied = Command::new("cp")
            .arg("-r")
            .arg(template())
            .arg(dir.path().join("data"))
            .status()
            .expect("cp runs");
        assert!(copied.success());
        // Free now; nobody else takes ports so high in the moment until it is bound.
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        Self {
            dir,
            port,
            child: None,
            runtime: Runtime::new().expect("a runtime"),
        }
    }

    /// Starts it (again) and waits until it takes connections.
    pub(crate) fn up(&mut self) {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let log = File::options()
            .create(true)
            .append(true)
            .open(path("log"))
            .expect("the folder is ours");
        let child = Command::new("mariadbd")
            .arg("--no-defaults")
            .args(["--user=root", "--bind-address=127.0.0.1"])
            .args(["--skip-name-resolve", "--innodb-log-file-size=8M"])
            .args(["--innodb-buffer-pool-size=16M", "--max-connections=50"])
            .arg(format!("--datadir={}", path("data")))
            .arg(format!("--socket={}", path("socket")))
            .arg(format!("--pid-file={}", path("pid")))
            .arg(format!("--port={}", self.port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mariadbd is installed");
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        while self.runtime.block_on(self.connect()).is_err() {
            let log = || fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "it does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it in peace.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let mut child = self.child.take().expect("it runs");
        child.wait().expect("it is ours");
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    /// Sends a signal by its name: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The dialer's settings for it.
    pub(crate) fn env(&self) -> [(&'static str, String); 5] {
        [
            ("MYSQL_HOST", "127.0.0.1".to_owned()),
            ("MYSQL_PORT", self.port.to_string()),
            ("MYSQL_USER", "dialer".to_owned()),
            ("MYSQL_PASSWORD", PASSWORD.to_owned()),
            ("MYSQL_DATABASE", "calls".to_owned()),
        ]
    }

    async fn connect(&self) -> mysql_async::Result<Conn> {
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.port)
            .user(Some("root"))
            .prefer_socket(false);
        Conn::new(options).await
    }

    /// A connection as root, for as long as it is held.
    pub(crate) fn session(&self) -> Session<'_> {
        let conn = self.runtime.block_on(self.connect());
        Session {
            conn: conn.expect("it takes connections"),
            runtime: &self.runtime,
        }
    }

    /// One statement as root, in no database.
    pub(crate) fn run(&self, statement: &str) {
        self.session().run(statement);
    }

    /// The rows of a query, in which NULL and the names of columns are kept.
    pub(crate) fn rows(&self, query: &str) -> Vec<Named> {
        self.session().rows(query)
    }

    /// The one number that a query gives.
    pub(crate) fn number(&self, query: &str) -> usize {
        let rows = self.rows(query);
        let value = rows[0][0].1.as_deref().expect("a number");
        value.parse().expect("a number")
    }
}

impl Session<'_> {
    pub(crate) fn run(&mut self, statement: &str) {
        let done = self.runtime.block_on(self.conn.query_drop(statement));
        done.unwrap_or_else(|e| panic!("{statement}: {e}"));
    }

    pub(crate) fn rows(&mut self, query: &str) -> Vec<Named> {
        let rows = self.runtime.block_on(self.conn.query(query));
        let rows: Vec<Row> = rows.unwrap_or_else(|e| panic!("{query}: {e}"));
        rows.into_iter().map(named).collect()
    }
}

fn named(row: Row) -> Named {
    let names: Vec<String> = row
        .columns_ref()
        .iter()
        .map(|column| column.name_str().into_owned())
        .collect();
    let values = row.unwrap().into_iter().map(|value| match value {
        Value::NULL => None,
        Value::Bytes(text) => Some(String::from_utf8(text).expect("UTF-8")),
        other => Some(other.as_sql(true)),
    });
    names.into_iter().zip(values).collect()
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A test may have stopped it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A folder with a database system in which nothing is, made once for each version.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let needs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/needs");
        let packages = ["mariadb-server-core", "mariadb-client-core"];
        let got = Command::new(needs).args(packages).status();
        assert!(got.expect("tests/needs runs").success(), "no MariaDB");
        let version = Command::new("mariadbd").arg("--version").output();
        let version = version.expect("mariadbd is installed").stdout;
        let version: String = String::from_utf8_lossy(&version)
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
            .collect();
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let made = place.join(version);
        if !made.exists() {
            install(place, &made);
        }
        made
    })
}

/// Made under another name and moved there whole: tests run side by side.
fn install(place: &Path, made: &Path) {
    let dir = tempfile::tempdir_in(place).expect("a temporary folder");
    let data = dir.path().join("data");
    let output = Command::new("mariadb-install-db")
        .args(["--no-defaults", "--user=root", "--skip-test-db"])
        .args(["--auth-root-authentication-method=normal"])
        .args(["--innodb-log-file-size=8M"])
        .arg(format!("--datadir={}", data.display()))
        .output()
        .expect("mariadb-install-db is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // Somebody else may have been faster.
    let moved = fs::rename(&data, made);
    assert!(moved.is_ok() || made.exists(), "{moved:?}");
}
