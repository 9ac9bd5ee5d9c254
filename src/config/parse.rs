//! One function a kind of value: from the text to the typed value, or what is wrong.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use super::region::Region;
use super::secret::Secret;
use super::settings::{CaFile, LogFormat, OnHangup, OnInterrupted};
use crate::campaign::CallerId;
use crate::campaign::{Emergency, MaxCc, Number};
use crate::keys::KeyMap;

/// The value, or what is wrong with the text, where that tells more than what is allowed,
/// which is in the table of settings.
pub(super) type Parsed<T> = Result<T, Option<String>>;

/// In seconds.
const DAY: u32 = 24 * 3600;

/// More than any bundle of certificates has.
const MAX_PEM_LEN: u64 = 4 * 1024 * 1024;

fn wrong<T>(detail: &str) -> Parsed<T> {
    Err(Some(detail.to_owned()))
}

/// The base of all of ARI's addresses: its path ends with `/`, and `ari/…` is joined to it.
pub(super) fn ari_url(text: &str) -> Parsed<Url> {
    let mut url = Url::parse(text).map_err(|e| Some(format!("that is no URL ({e})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(None);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("the user belongs into ARI_USERNAME and ARI_PASSWORD");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(None);
    }
    if url.port() == Some(0) {
        return wrong("there is no port 0");
    }
    let path = url.path().trim_end_matches('/');
    let base = match path.strip_suffix("/ari") {
        Some(prefix) => format!("{}/", prefix.trim_end_matches('/')),
        None => format!("{path}/"),
    };
    url.set_path(&base);
    Ok(url)
}

/// 1 to `max` ASCII letters, digits and characters of `others`.
pub(super) fn word(text: &str, others: &str, max: usize) -> Parsed<String> {
    let other = |c: char| !c.is_ascii_alphanumeric() && !others.contains(c);
    match text.chars().find(|c| other(*c)) {
        Some(c) => Err(Some(format!("{c:?} is not allowed"))),
        None => plain(text, max),
    }
}

/// 1 to `max` characters without control or format characters.
pub(super) fn plain(text: &str, max: usize) -> Parsed<String> {
    if text.chars().any(is_unprintable) {
        return wrong("it holds an invisible or control character");
    }
    match text.chars().count() {
        0 => Err(None),
        len if len > max => Err(Some(format!("it has {len} characters"))),
        _ => Ok(text.to_owned()),
    }
}

/// Control characters, and those that change how the text around them is shown.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

pub(super) fn user(text: &str) -> Parsed<String> {
    if text.contains(':') {
        // RFC 7617: the first colon ends the user.
        return wrong("a colon can't be part of it in HTTP's basic authentication");
    }
    plain(text, 80)
}

pub(super) fn password(text: &str) -> Parsed<Secret> {
    plain(text, 256).map(|text| Secret::new(&text))
}

pub(super) fn token(text: &str) -> Parsed<Secret> {
    let visible = text.bytes().all(|b| b.is_ascii_graphic());
    if !visible || !(16..=256).contains(&text.len()) {
        return Err(None);
    }
    Ok(Secret::new(text))
}

pub(super) fn whole(text: &str, range: RangeInclusive<u32>) -> Parsed<u32> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(None);
    }
    let number = text.parse().map_err(|_| None)?;
    range.contains(&number).then_some(number).ok_or(None)
}

pub(super) fn seconds(text: &str, range: RangeInclusive<u32>) -> Parsed<Duration> {
    whole(text, range).map(|s| Duration::from_secs(s.into()))
}

/// `0`, a number of seconds, minutes, hours or days, or `never`, which is `None`.
pub(super) fn after(text: &str) -> Parsed<Option<Duration>> {
    match text {
        "never" => return Ok(None),
        "0" => return Ok(Some(Duration::ZERO)),
        _ => {}
    }
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => DAY,
        _ => return Err(None),
    };
    let count = whole(&text[..text.len() - 1], 0..=366 * DAY)?;
    match count.checked_mul(unit) {
        Some(seconds) if seconds <= 366 * DAY => Ok(Some(Duration::from_secs(seconds.into()))),
        _ => Err(None),
    }
}

pub(super) fn max_cc(text: &str) -> Parsed<MaxCc> {
    MaxCc::new(whole(text, 1..=10_000)?).ok_or(None)
}

pub(super) fn port(text: &str) -> Parsed<u16> {
    let port = whole(text, 1..=65535)?;
    u16::try_from(port).map_err(|_| None)
}

pub(super) fn yes_or_no(text: &str) -> Parsed<bool> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(None),
    }
}

pub(super) fn on_interrupted(text: &str) -> Parsed<OnInterrupted> {
    match text {
        "skip" => Ok(OnInterrupted::Skip),
        "retry" => Ok(OnInterrupted::Retry),
        _ => Err(None),
    }
}

pub(super) fn on_hangup(text: &str) -> Parsed<OnHangup> {
    match text {
        "continue" => Ok(OnHangup::Continue),
        "drain" => Ok(OnHangup::Drain),
        _ => Err(None),
    }
}

pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err(None),
    }
}

/// A number that is none of those.
pub(super) fn number(text: &str, emergency: Emergency) -> Parsed<Number> {
    if emergency.has(text) {
        return wrong("it is an emergency number, which is never dialed");
    }
    Number::parse(text).map_err(|e| Some(e.to_string()))
}

pub(super) fn region(text: &str) -> Parsed<Region> {
    Region::parse(text).ok_or(None)
}

/// `Tech/resource`. Asterisk takes several joined by `&`, and would dial them all.
pub(super) fn endpoint(text: &str) -> Parsed<String> {
    if text.len() > 200 {
        return Err(Some(format!("it has {} characters", text.len())));
    }
    let Some((tech, resource)) = text.split_once('/') else {
        return wrong("it has no /");
    };
    let is_tech = tech.starts_with(|c: char| c.is_ascii_alphabetic())
        && tech.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_tech || resource.is_empty() {
        return Err(None);
    }
    let bad = |c: char| !c.is_ascii_graphic() || matches!(c, '&' | '"' | '\'' | '`' | '\\');
    match resource.chars().find(|c| bad(*c)) {
        Some('&') => wrong("& would dial several at once"),
        Some(c) => Err(Some(format!("{c:?} is not allowed"))),
        None if tech.eq_ignore_ascii_case("Local") && !is_local(resource) => {
            wrong("a Local endpoint is Local/EXTENSION@CONTEXT")
        }
        None => Ok(text.to_owned()),
    }
}

/// `extension@context`, perhaps with options after a `/`.
fn is_local(resource: &str) -> bool {
    resource
        .split_once('@')
        .is_some_and(|(extension, context)| {
            !extension.is_empty() && !context.is_empty() && !context.starts_with('/')
        })
}

/// `anonymous`, or a number, a name, or `Name <number>`, where the name may be quoted as a whole.
pub(super) fn caller_id(text: &str) -> Parsed<CallerId> {
    if text.eq_ignore_ascii_case("anonymous") {
        return Ok(CallerId::Anonymous);
    }
    let text = plain(text, 120)?;
    let (name, number) = match text.strip_suffix('>') {
        Some(rest) => match rest.split_once('<') {
            Some((name, number)) => (name.trim(), Some(number)),
            None => return wrong("its > has no <"),
        },
        None => (text.as_str(), None),
    };
    let name = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
        .unwrap_or(name);
    if let Some(c) = name.chars().find(|c| r#"<>"\"#.contains(*c)) {
        return Err(Some(format!("{c:?} is not allowed in the name")));
    }
    if let Some(Err(e)) = number.map(Number::parse) {
        return Err(Some(format!("what stands in <> is no number: {e}")));
    }
    Ok(CallerId::Shown(text))
}

pub(super) fn control_addr(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| None)
}

/// A host name or address, as `MySQL`'s clients take it.
pub(super) fn host(text: &str) -> Parsed<String> {
    word(text, ".-_:[]%", 253)
}

/// A path, absolute or from `dir`.
pub(super) fn path(text: &str, dir: &Path) -> Parsed<PathBuf> {
    let text = plain(text, 4096)?;
    Ok(dir.join(text))
}

/// A path whose last part is a file's name.
pub(super) fn file_path(text: &str, dir: &Path) -> Parsed<PathBuf> {
    if text.ends_with('/') {
        return wrong("it names a folder");
    }
    let path = path(text, dir)?;
    match path.file_name() {
        Some(_) if path.is_dir() => wrong("there is a folder of that name"),
        Some(_) => Ok(path),
        None => Err(None),
    }
}

/// The console's keys.
pub(super) fn keys(text: &str) -> Parsed<KeyMap> {
    KeyMap::with(text).map_err(Some)
}

/// The certificates in a PEM file; other sections in it are skipped.
pub(super) fn ca_file(text: &str, dir: &Path) -> Parsed<CaFile> {
    let path = path(text, dir)?;
    let certificates = certificates(&path).map_err(Some)?;
    Ok(CaFile { path, certificates })
}

/// The certificates in the PEM file at `path`, of which there must be one; or what is wrong
/// with it.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read_pem(path).map_err(|e| format!("it can't be read: {e}"))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|e| format!("it is damaged: {e}"))?;
    if certificates.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        let added = store.add(certificate.clone());
        added.map_err(|e| format!("a certificate in it is damaged: {e}"))?;
    }
    Ok(certificates)
}

fn read_pem(path: &Path) -> io::Result<Vec<u8>> {
    let mut pem = Vec::new();
    File::open(path)?.take(MAX_PEM_LEN).read_to_end(&mut pem)?;
    Ok(pem)
}
