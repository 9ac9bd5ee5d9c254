//! Finds the setting that an unknown name may have been meant for.

use super::problem::Origin;
use super::table::{self, SETTINGS};

/// The setting that `name`, which is none, resembles.
///
/// In `.env` two slips are forgiven. The environment is full of other programs' names, so
/// there it takes the setting's own prefix (`ARI_`) and but one slip.
pub(super) fn meant(name: &str, origin: Origin) -> Option<&'static str> {
    let (slips, needs_prefix) = match origin {
        Origin::EnvFile { .. } => (2, false),
        Origin::Environment => (1, true),
    };
    if table::find(name).is_some() {
        return None;
    }
    let near = SETTINGS.iter().filter_map(|setting| {
        let slips_made = distance(name, setting.name);
        let prefixed = !needs_prefix || shares_prefix(name, setting.name);
        (slips_made <= slips && prefixed).then_some((slips_made, setting.name))
    });
    near.min().map(|(_, name)| name)
}

/// How many slips lie between them: none if they differ only in case and separators.
fn distance(name: &str, setting: &str) -> usize {
    // Bounds the work on a name of a megabyte.
    if name.chars().count() > setting.len() + 8 {
        return usize::MAX;
    }
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_uppercase).collect()
    };
    if letters(name) == letters(setting) {
        return 0;
    }
    strsim::damerau_levenshtein(&name.to_uppercase(), setting)
}

fn shares_prefix(name: &str, setting: &str) -> bool {
    setting
        .split_once('_')
        .is_some_and(|(prefix, _)| name.to_uppercase().starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::meant;
    use crate::config::problem::Origin::{self, Environment};

    const FILE: Origin = Origin::EnvFile { line: 1 };

    #[test]
    fn up_to_two_slips_in_the_file_are_seen() {
        for (name, setting) in [
            ("ARI_PASWORD", "ARI_PASSWORD"),
            ("ARI_USRENAME", "ARI_USERNAME"),
            ("MAXCC", "MAX_CC"),
            ("maxCc", "MAX_CC"),
            ("ari-url", "ARI_URL"),
            ("RECORDING_DIR", "RECORDINGS_DIR"),
            ("TARGET_EXTENTIONS", "TARGET_EXTENSION"),
        ] {
            assert_eq!(meant(name, FILE), Some(setting), "{name}");
        }
    }

    #[test]
    fn other_names_are_let_be() {
        for name in [
            "PORT",
            "NODE_ENV",
            "DEBUG",
            "MYSQL",
            "ARI",
            "",
            "LOG_LEVEL",
            "MAX_CC",
        ] {
            assert_eq!(meant(name, FILE), None, "{name}");
        }
        assert_eq!(meant(&"ARI_URL".repeat(200_000), FILE), None);
    }

    #[test]
    fn the_environment_is_judged_less_eagerly() {
        assert_eq!(meant("ARI_PASWORD", Environment), Some("ARI_PASSWORD"));
        assert_eq!(meant("Max_cc", Environment), Some("MAX_CC"));
        for name in [
            "ARI_PASWOR",
            "PATH",
            "MYSQL_HOME",
            "MYSQL_PWD",
            "XRI_URL",
            "MAX_CCXX",
        ] {
            assert_eq!(meant(name, Environment), None, "{name}");
        }
    }
}
