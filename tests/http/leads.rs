//! `GET /api/v1/leads`: pages and filters.

use super::{BUSY, Rig, STAYS, Served, Value};
use crate::support::numbers::mixed;

/// One page: its leads, and where the next one begins.
fn page(rig: &Rig, served: &Served, query: &str) -> (Vec<u64>, Option<u64>) {
    let answer = rig.get(served, &format!("/api/v1/leads?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    let page = answer.json();
    let leads = page["leads"].as_array().expect("leads");
    let id = |lead: &Value| lead["lead"].as_u64().expect("an id");
    (leads.iter().map(id).collect(), page["next"].as_u64())
}

/// Every page, one after the other.
fn pages(rig: &Rig, served: &Served, query: &str) -> Vec<Vec<u64>> {
    let mut pages = Vec::new();
    let mut from = Some(0);
    while let Some(at) = from {
        let (leads, next) = page(rig, served, &format!("from={at}&{query}"));
        assert!(next.is_none_or(|next| next > at), "{next:?} after {at}");
        pages.push(leads);
        from = next;
    }
    pages
}

#[test]
fn pages_have_every_lead_that_fits_once_and_in_order() {
    // Every other one is busy: 0, 2, 4, 6, 8.
    let rig = Rig::new(&mixed(&[BUSY, STAYS], 10), &[]);
    let served = rig.serve();
    assert_eq!(
        pages(&rig, &served, "limit=4"),
        [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]
    );
    assert_eq!(
        pages(&rig, &served, "limit=5"),
        [vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8, 9]]
    );
    assert_eq!(page(&rig, &served, ""), ((0..10).collect(), None));
    assert_eq!(page(&rig, &served, "from=7"), (vec![7, 8, 9], None));
    assert_eq!(page(&rig, &served, "from=10"), (vec![], None));
    assert_eq!(
        page(&rig, &served, "from=4294967295&limit=1000"),
        (vec![], None)
    );
    // Out of bounds it is the nearest that is allowed.
    assert_eq!(page(&rig, &served, "limit=0"), (vec![0], Some(1)));
    assert_eq!(page(&rig, &served, "limit=9999").0.len(), 10);

    let busy = format!("number={BUSY}55&limit=2");
    assert_eq!(
        pages(&rig, &served, &busy),
        [vec![0, 2], vec![4, 6], vec![8]]
    );
    assert_eq!(page(&rig, &served, "number=0003"), (vec![3], None));
    assert_eq!(page(&rig, &served, "number=nobody"), (vec![], None));
    assert_eq!(
        pages(&rig, &served, "state=waiting&limit=6").concat(),
        (0..10).collect::<Vec<_>>()
    );

    assert_eq!(rig.post(&served, "/start").status, 200);
    // Two talk on and take both places: 1 and 3, behind the busy ones before them.
    rig.until(&served, "two who talk", |s| {
        s["calls"]["in_use"] == 2 && s["leads"]["ended"]["busy"] == 2
    });
    assert_eq!(pages(&rig, &served, "state=calling&limit=1"), [[1], [3]]);
    for ended in ["ended", "busy"] {
        let query = format!("state={ended}&limit=1");
        assert_eq!(pages(&rig, &served, &query), [[0], [2]], "{ended}");
    }
    assert_eq!(
        pages(&rig, &served, "state=waiting&limit=4"),
        [vec![4, 5, 6, 7], vec![8, 9]]
    );
    assert_eq!(
        page(&rig, &served, "state=busy&number=0002"),
        (vec![2], None)
    );
    assert_eq!(
        page(&rig, &served, "state=busy&number=0003"),
        (vec![], None)
    );
    assert_eq!(page(&rig, &served, "state=answered"), (vec![], None));
    served.process.kill();
}

#[test]
fn a_parameter_that_is_wrong_is_refused_with_those_that_are_allowed() {
    let rig = Rig::new(&mixed(&[BUSY], 2), &[]);
    let served = rig.serve();
    for query in [
        "from=-1",
        "from=x",
        "limit=-1",
        "limit=many",
        "page=2",
        "from=4294967296",
    ] {
        let answer = rig.get(&served, &format!("/api/v1/leads?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        let message = answer.json()["message"]
            .as_str()
            .expect("a text")
            .to_owned();
        assert!(message.contains("from, limit"), "{query}: {message}");
    }
    served.process.kill();
}
