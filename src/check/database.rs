//! The MySQL copy: whether its server is there.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::report::Finding;
use crate::config::Mysql;

/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);

pub(super) async fn examine(mysql: Option<&Mysql>) -> Finding {
    let Some(mysql) = mysql else {
        return Finding::ok("database", "not configured: MYSQL_HOST is not set");
    };
    let (host, port) = (mysql.host.as_str(), mysql.port);
    let why = match timeout(CONNECT, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => return Finding::ok("database", format!("{host}:{port} answers")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {CONNECT:?}"),
    };
    Finding::fault(
        "database",
        format!("{host}:{port} cannot be reached: {why}"),
        "check MYSQL_HOST and MYSQL_PORT, and that the server runs and listens there",
    )
}
