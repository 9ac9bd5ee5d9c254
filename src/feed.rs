//! The latest news, kept for whoever follows an engine from outside: server-sent events and
//! attached consoles.
//!
//! A ring with a bound. Putting news in never waits for a reader; a reader that is slower than
//! the news misses some and is told how many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::engine::News;

/// So many are kept: a few megabytes, and a minute of a busy campaign.
const KEPT: usize = 10_000;

/// The latest news of one engine's process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed(Arc<FeedInner>);

#[derive(Debug)]
struct FeedInner {
    /// Tells this process's news from those of any other.
    process: String,
    /// A std mutex: held to push or copy pointers, never across an await.
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    /// The number of the newest; the first is 1.
    newest: u64,
    news: VecDeque<Arc<News>>,
}

/// Some news that follow each other.
#[derive(Debug, Default)]
pub struct Batch {
    /// How many before them are no longer there.
    pub missed: u64,
    /// Each with its number.
    pub news: Vec<(u64, Arc<News>)>,
}

impl Default for Feed {
    fn default() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self(Arc::new(FeedInner {
            process: id[..8].to_owned(),
            ring: Mutex::default(),
            newest: watch::Sender::new(0),
        }))
    }
}

impl Feed {
    /// Adds a piece of news. Where there is no room, the oldest goes.
    pub fn push(&self, news: News) {
        let newest = {
            let mut ring = self.ring();
            if ring.news.len() == KEPT {
                ring.news.pop_front();
            }
            ring.news.push_back(Arc::new(news));
            ring.newest += 1;
            ring.newest
        };
        self.0.newest.send_replace(newest);
    }

    /// The news after number `seen`, at most `most` of them, the oldest first.
    #[must_use]
    pub fn after(&self, seen: u64, most: usize) -> Batch {
        let ring = self.ring();
        let before_first = ring.newest - ring.news.len() as u64;
        let from = seen.clamp(before_first, ring.newest);
        let skip = usize::try_from(from - before_first).unwrap_or(usize::MAX);
        let news = ring.news.iter().skip(skip).take(most).cloned();
        Batch {
            missed: from.saturating_sub(seen),
            news: (from + 1..).zip(news).collect(),
        }
    }

    /// The number of the newest, and whether it has changed.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }

    /// The id of the news with this number: unlike the number, no other process has it.
    #[must_use]
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.0.process)
    }

    /// The number that an id stands for; `None` for one of another process.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<u64> {
        let (process, number) = id.split_once('-')?;
        let number = number.parse().ok()?;
        (process == self.0.process).then_some(number)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Time;
    use crate::engine::Told;

    fn push(feed: &Feed, count: u64) {
        for n in 1..=count {
            feed.push(News {
                at: Time(n),
                what: Told::LinkUp,
            });
        }
    }

    fn numbers(batch: &Batch) -> (u64, Vec<u64>) {
        for (number, news) in &batch.news {
            assert_eq!(news.at, Time(*number));
        }
        (batch.missed, batch.news.iter().map(|(n, _)| *n).collect())
    }

    #[test]
    fn a_reader_gets_what_follows_what_it_has_seen() {
        let feed = Feed::default();
        assert_eq!(numbers(&feed.after(0, 9)), (0, vec![]));
        push(&feed, 5);
        assert_eq!(*feed.newest().borrow(), 5);
        assert_eq!(numbers(&feed.after(0, 9)), (0, vec![1, 2, 3, 4, 5]));
        assert_eq!(numbers(&feed.after(2, 2)), (0, vec![3, 4]));
        assert_eq!(numbers(&feed.after(5, 9)), (0, vec![]));
        // Nobody has seen what has not happened.
        assert_eq!(numbers(&feed.after(50, 9)), (0, vec![]));
    }

    #[test]
    fn an_id_is_of_one_process() {
        let (feed, other) = (Feed::default(), Feed::default());
        assert_eq!(feed.number(&feed.id(7)), Some(7));
        for id in [other.id(7), String::new(), "7".to_owned(), feed.id(7) + "x"] {
            assert_eq!(feed.number(&id), None, "{id}");
        }
    }

    #[test]
    fn what_a_slow_reader_missed_is_counted() {
        let feed = Feed::default();
        let over = 7;
        push(&feed, KEPT as u64 + over);
        assert_eq!(numbers(&feed.after(2, 1)), (over - 2, vec![over + 1]));
        assert_eq!(feed.after(0, usize::MAX).news.len(), KEPT);
    }
}
