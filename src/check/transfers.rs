//! Whether whoever is called over the trunk can have Asterisk dial: by a transfer (REFER), or the
//! carrier by a redirect (302). Asterisk looks up the number in the trunk's own context.

use super::probe::Questions;
use super::report::Finding;
use crate::ari::AriError;

const CHECK: &str = "transfers";

/// Numbers as people dial out by: a context that dials knows one of these forms.
const OUTSIDE: [&str; 6] = [
    "79990001122",
    "+79990001122",
    "89990001122",
    "0079990001122",
    "979990001122",
    "2025550123",
];

impl Questions<'_> {
    pub(super) async fn transfers(&self, trunk: &str) -> Finding {
        let setting = |name| format!("PJSIP_ENDPOINT({trunk},{name})");
        let (allowed, context) = (setting("allow_transfer"), setting("context"));
        let (allowed, context) = tokio::join!(self.value(&allowed), self.value(&context));
        let (Ok(allowed), Ok(context)) = (allowed, context) else {
            return not_asked();
        };
        if context.is_empty() {
            return Finding::not_checked(CHECK, "see trunk");
        }
        match self.dialed_in(&context).await {
            Ok(number) => judge(trunk, matches!(&*allowed, "true" | "yes"), &context, number),
            Err(_) => not_asked(),
        }
    }

    /// A number from outside that the context has an extension for.
    async fn dialed_in(&self, context: &str) -> Result<Option<&'static str>, AriError> {
        for number in OUTSIDE {
            let exists = format!("DIALPLAN_EXISTS({context},{number},1)");
            if self.value(&exists).await? == "1" {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

fn not_asked() -> Finding {
    Finding::not_checked(
        CHECK,
        "Asterisk cannot be asked: load func_pjsip_endpoint.so and func_dialplan.so in modules.conf",
    )
}

fn judge(trunk: &str, allowed: bool, context: &str, number: Option<&str>) -> Finding {
    let refuse = format!("set allow_transfer=no at the endpoint {trunk} in pjsip.conf");
    let empty = format!(
        "set context= at the endpoint {trunk} in pjsip.conf to a context without extensions"
    );
    let reload = "then `pjsip reload`";
    match (allowed, number) {
        (false, None) => Finding::ok(
            CHECK,
            format!("{trunk} takes no transfers, and its context {context} dials nobody"),
        ),
        (true, None) => Finding::warning(
            CHECK,
            format!("{trunk} lets whoever is called transfer the call (allow_transfer=yes)"),
            format!("{refuse}, {reload}"),
        ),
        (false, Some(number)) => Finding::warning(
            CHECK,
            format!(
                "the context {context} of {trunk} has an extension for numbers such as {number}: \
                 calls from the carrier can dial out by it"
            ),
            format!("{empty}, {reload}"),
        ),
        (true, Some(number)) => Finding::warning(
            CHECK,
            format!(
                "whoever is called can call the world at your cost: {trunk} takes their transfers \
                 (allow_transfer=yes), and its context {context} has an extension for numbers \
                 such as {number}"
            ),
            format!("{refuse}, and {empty}, {reload}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Level;

    #[test]
    fn what_lets_a_callee_dial_is_told_with_what_shuts_it() {
        let of = |allowed, number| judge("mytrunk", allowed, "outward", number);
        assert_eq!(of(false, None).level, Level::Ok);
        let cases = [
            (of(true, None), "allow_transfer=yes", "allow_transfer=no"),
            (of(false, Some("8")), "outward", "context="),
            (of(true, Some("8")), "at your cost", "allow_transfer=no"),
        ];
        for (finding, fact, mend) in cases {
            assert_eq!(finding.level, Level::Warning, "{finding:?}");
            assert!(finding.fact.contains(fact), "{finding:?}");
            let told = finding.mend.unwrap_or_default();
            assert!(told.contains(mend), "{told}");
        }
    }
}
