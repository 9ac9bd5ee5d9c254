//! A real MariaDB or MySQL on loopback, with a folder of its own, for one test.
//!
//! What it lacks is installed (`tests/needs`, `tests/lab`). It has a database `calls` and an
//! account `dialer` with the rights that README asks for.

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

/// Whose server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brand {
    MariaDb,
    MySql,
}

/// A server. It is killed when this is dropped.
pub(crate) struct Database {
    brand: Brand,
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

impl Database {
    /// A server with an empty database, of the brand that `DIALDECK_DATABASE` names: MariaDB
    /// unless told otherwise.
    pub(crate) fn start() -> Self {
        Self::start_of(Brand::chosen())
    }

    /// The same, of this brand.
    pub(crate) fn start_of(brand: Brand) -> Self {
        let mut server = Self::prepare(brand);
        server.up();
        server.run("CREATE DATABASE calls CHARACTER SET utf8mb4");
        server.run(&format!(
            "CREATE USER dialer@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'"
        ));
        server.run("GRANT SELECT, INSERT, UPDATE, CREATE ON calls.* TO dialer@'127.0.0.1'");
        server
    }

    fn prepare(brand: Brand) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let copied = Command::new("cp")
            .arg("-r")
            .arg(brand.template())
            .arg(dir.path().join("data"))
            .status()
            .expect("cp runs");
        assert!(copied.success());
        // Free now; nobody else takes ports so high in the moment until it is bound.
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        Self {
            brand,
            dir,
            port,
            child: None,
            runtime: Runtime::new().expect("a runtime"),
        }
    }

    /// Starts it (again) and waits until it takes connections.
    pub(crate) fn up(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("the folder is ours");
        let child = self
            .brand
            .server()
            .args(["--user=root", "--bind-address=127.0.0.1"])
            .args(["--skip-name-resolve", "--max-connections=50"])
            .args(["--innodb-buffer-pool-size=16M"])
            .arg(format!("--datadir={}", self.path("data").display()))
            .arg(format!("--socket={}", self.path("socket").display()))
            .arg(format!("--pid-file={}", self.path("pid").display()))
            .arg(format!("--port={}", self.port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server is installed");
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        while self.runtime.block_on(self.connect()).is_err() {
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(Instant::now() < until, "it does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
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
            .socket(Some(self.path("socket").display().to_string()))
            .user(Some("root"));
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
        number(self.rows(query)[0][0].1.as_deref())
    }

    /// How many INSERT statements it has carried out.
    pub(crate) fn inserts(&self) -> usize {
        number(
            self.rows("SHOW GLOBAL STATUS LIKE 'Com_insert'")[0][1]
                .1
                .as_deref(),
        )
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

fn number(value: Option<&str>) -> usize {
    let value = value.expect("a number");
    value.parse().expect("a number")
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

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A test may have stopped it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where MySQL is: in the lab's tree, since Debian stable has none.
fn mysql_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let lab = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab.sh");
        let made = Command::new(lab).arg("mysql").output().expect("it runs");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        let root = String::from_utf8(made.stdout).expect("UTF-8");
        PathBuf::from(root.trim())
    })
}

impl Brand {
    /// What `DIALDECK_DATABASE` asks for: `mariadb` or `mysql`.
    fn chosen() -> Self {
        match std::env::var("DIALDECK_DATABASE").as_deref() {
            Err(_) | Ok("mariadb") => Self::MariaDb,
            Ok("mysql") => Self::MySql,
            Ok(other) => panic!("DIALDECK_DATABASE is mariadb or mysql, and not {other}"),
        }
    }

    /// The server's program, with what it needs to run at all.
    fn server(self) -> Command {
        let mut server = match self {
            Self::MariaDb => {
                let mut server = Command::new("mariadbd");
                server.args(["--no-defaults", "--innodb-log-file-size=8M"]);
                server
            }
            // Of a newer Debian than this one, hence with the libraries of that.
            Self::MySql => {
                let root = mysql_root();
                let mut server = Command::new(root.join("lib64/ld-linux-x86-64.so.2"));
                server
                    .arg("--library-path")
                    .arg(root.join("usr/lib/x86_64-linux-gnu"))
                    .arg(root.join("usr/sbin/mysqld"))
                    .args(["--no-defaults", "--mysqlx=OFF", "--secure-file-priv="])
                    .arg(format!("--basedir={}", root.join("usr").display()));
                server
            }
        };
        server.env_remove("LD_LIBRARY_PATH");
        server
    }

    /// A folder with a database system in which nothing is, made once for each version.
    fn template(self) -> &'static Path {
        static TEMPLATES: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
        TEMPLATES[self as usize].get_or_init(|| {
            if self == Self::MariaDb {
                let needs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/needs");
                let packages = ["mariadb-server-core", "mariadb-client-core"];
                let got = Command::new(needs).args(packages).status();
                assert!(got.expect("tests/needs runs").success(), "no MariaDB");
            }
            let version = self.server().arg("--version").output();
            let version = version.expect("it is installed").stdout;
            let version: String = String::from_utf8_lossy(&version)
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
                .collect();
            let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let made = place.join(format!("{self:?}-{version}"));
            if !made.exists() {
                self.install(place, &made);
            }
            made
        })
    }

    /// Made under another name and moved there whole: tests run side by side.
    fn install(self, place: &Path, made: &Path) {
        let dir = tempfile::tempdir_in(place).expect("a temporary folder");
        let data = dir.path().join("data");
        let mut installs = match self {
            Self::MariaDb => {
                let mut installs = Command::new("mariadb-install-db");
                installs
                    .args([
                        "--no-defaults",
                        "--skip-test-db",
                        "--innodb-log-file-size=8M",
                    ])
                    .arg("--auth-root-authentication-method=normal");
                installs
            }
            Self::MySql => {
                let mut installs = self.server();
                installs.arg("--initialize-insecure");
                installs
            }
        };
        let output = installs
            .arg("--user=root")
            .arg(format!("--datadir={}", data.display()))
            .output()
            .expect("it is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        // Somebody else may have been faster.
        let moved = fs::rename(&data, made);
        assert!(moved.is_ok() || made.exists(), "{moved:?}");
    }
}
