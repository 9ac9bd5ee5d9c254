//! The settings as texts, before anything is made of them: `.env` laid over the
//! environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;

use super::dotenv::{self, DotenvNotice, DotenvReading};
use super::problem::{Origin, Problem, Warning};
use super::spelling;
use super::table::{self, Setting};

/// More than any `.env` has; bounds what is read.
const MAX_FILE_LEN: u64 = 256 * 1024;

/// The settings' values by name. No `Debug`, since some are secret.
#[derive(Default)]
pub(super) struct Raw {
    values: BTreeMap<&'static str, Value>,
    /// Whether there is a `.env` file.
    pub(super) has_file: bool,
}

/// A value and where it comes from.
pub(super) struct Value {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// What the two sources say together.
pub(super) struct Sources {
    pub(super) raw: Raw,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl Raw {
    /// The value of `setting`. An empty one is none, as for the replaced program.
    pub(super) fn value(&self, setting: &Setting) -> Option<&Value> {
        let value = self.values.get(setting.name)?;
        (!value.text.is_empty()).then_some(value)
    }

    pub(super) fn is_set(&self, setting: &Setting) -> bool {
        self.value(setting).is_some()
    }
}

/// Reads the file `env_file`, where it exists, over `environment`.
pub(super) fn read(
    env_file: &Path,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Sources {
    let mut sources = Sources {
        raw: Raw::default(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    sources.take_environment(environment);
    match read_file(env_file) {
        Ok(Some(reading)) => {
            sources.raw.has_file = true;
            sources.take_file(reading);
        }
        Ok(None) => {}
        Err(problem) => {
            sources.raw.has_file = true;
            sources.problems.push(problem);
        }
    }
    sources
}

/// `None` where there is no such file.
fn read_file(file: &Path) -> Result<Option<DotenvReading>, Problem> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file);
    let read = opened.and_then(|f| f.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes));
    match read {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Problem::file(file, e)),
        Ok(_) => {}
    }
    if bytes.len() as u64 > MAX_FILE_LEN {
        let why = format!("it is larger than {} KiB", MAX_FILE_LEN / 1024);
        return Err(Problem::file(file, why));
    }
    let reading = dotenv::read(&bytes).map_err(|e| Problem::file(file, e))?;
    Ok(Some(reading))
}

impl Sources {
    fn take_environment(&mut self, environment: impl Iterator<Item = (OsString, OsString)>) {
        let origin = Origin::Environment;
        for (name, value) in environment {
            let Some(name) = name.to_str() else { continue };
            let Some(setting) = table::find(name) else {
                self.warn_if_misspelt(name, origin);
                continue;
            };
            match value.into_string() {
                Ok(text) => {
                    self.raw.values.insert(setting.name, Value { text, origin });
                }
                Err(value) => self.problems.push(Problem::Invalid {
                    name: setting.name,
                    shown: super::problem::shown(setting, &value.to_string_lossy()),
                    origin,
                    detail: Some("that is not UTF-8".to_owned()),
                    allowed: setting.allowed,
                }),
            }
        }
    }

    fn take_file(&mut self, reading: DotenvReading) {
        let mut lines: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for entry in reading.entries {
            let origin = Origin::EnvFile { line: entry.line };
            let Some(setting) = table::find(&entry.name) else {
                self.warn_if_misspelt(&entry.name, origin);
                continue;
            };
            lines.entry(setting.name).or_default().push(entry.line);
            let text = entry.value;
            self.raw.values.insert(setting.name, Value { text, origin });
        }
        for notice in reading.notices {
            self.take_notice(notice);
        }
        for (name, mut earlier) in lines {
            if let Some(last) = earlier.pop()
                && !earlier.is_empty()
            {
                self.warnings.push(Warning::Twice {
                    name,
                    earlier,
                    last,
                });
            }
        }
    }

    fn take_notice(&mut self, notice: DotenvNotice) {
        let known = |name: &str| table::find(name).map(|setting| setting.name);
        let warning = match notice {
            DotenvNotice::Ignored { line } => Some(Warning::IgnoredLine { line }),
            DotenvNotice::HashKept { name, line } => {
                known(&name).map(|name| Warning::HashInValue { name, line })
            }
            DotenvNotice::OpenQuote { name, line } => {
                known(&name).map(|name| Warning::OpenQuote { name, line })
            }
            DotenvNotice::OddName { name, line } => {
                self.warn_if_misspelt(&name, Origin::EnvFile { line });
                None
            }
        };
        self.warnings.extend(warning);
    }

    fn warn_if_misspelt(&mut self, name: &str, origin: Origin) {
        if let Some(meant) = spelling::meant(name, origin) {
            let name = name.to_owned();
            self.warnings.push(Warning::Misspelt {
                name,
                origin,
                meant,
            });
        }
    }
}
