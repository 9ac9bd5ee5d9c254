//! What README.md says is what the program does, and README.ru.md says the same in Russian.
//!
//! Nothing can compare sentences of two languages, but most of what matters in this manual is
//! no sentence: commands, names, keys, codes and figures. So both files are taken apart into
//! blocks, and block by block what no translation changes must be the same. Whoever changes a
//! sentence in one file is led to its counterpart by any such word in it.

use std::collections::BTreeSet;

use dialdeck::campaign::{Disposition, HangupCause};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

const ENGLISH: &str = include_str!("../README.md");
const RUSSIAN: &str = include_str!("../README.ru.md");

/// A paragraph, a list item, a cell of a table, a heading, or a block of code.
struct Block {
    /// What it is. Of a heading its level, of a table its columns, of code its language.
    kind: String,
    /// Its text, inline code in backticks.
    text: String,
    /// What no translation changes: inline code, links' targets, numbers, words in capitals.
    fixed: BTreeSet<String>,
    /// How many words of it are neither code nor numbers.
    words: usize,
}

impl Block {
    fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            text: String::new(),
            fixed: BTreeSet::new(),
            words: 0,
        }
    }

    fn of(tag: &Tag<'_>) -> Option<Self> {
        Some(match tag {
            Tag::Heading { level, .. } => Self::new(format!("heading of level {level}")),
            Tag::Paragraph => Self::new("paragraph"),
            Tag::Item => Self::new("list item"),
            Tag::Table(columns) => Self::new(format!("table of {} columns", columns.len())),
            Tag::TableCell => Self::new("cell"),
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => Self::new(format!("code ({info})")),
            Tag::CodeBlock(CodeBlockKind::Indented) => Self::new("code"),
            _ => return None,
        })
    }

    fn is_heading(&self) -> bool {
        self.kind.starts_with("heading")
    }

    fn add_prose(&mut self, text: &str) {
        self.text.push_str(text);
        let is_word = |word: &&str| word.contains(char::is_alphabetic);
        self.words += text.split_whitespace().filter(is_word).count();
        let tokens = text.split(|c: char| !c.is_ascii_alphanumeric());
        let fixed = tokens.filter(|t| is_fixed(t)).map(str::to_owned);
        self.fixed.extend(fixed);
    }

    fn add_code(&mut self, code: &str) {
        let code = format!("`{code}`");
        self.text.push_str(&code);
        self.fixed.insert(code);
    }

    fn add_link(&mut self, target: &str) {
        // The two link to each other where a reader looks for his language.
        let target = match target {
            "README.md" | "README.ru.md" => "the other README",
            target => target,
        };
        self.fixed.insert(format!("({target})"));
    }

    /// Why `russian` is not this block in Russian.
    fn difference(&self, russian: &Self) -> Option<String> {
        let (english_text, russian_text) = (&self.text, &russian.text);
        let both = format!("\n  English: {english_text}\n  Russian: {russian_text}");
        if self.kind != russian.kind {
            return Some(format!("{} became {}{both}", self.kind, russian.kind));
        }
        if self.words == 0 {
            let is_same = english_text == russian_text;
            return (!is_same).then(|| format!("{} must be the same{both}", self.kind));
        }
        let is_russian = russian_text.contains(|c| matches!(c, 'а'..='я' | 'А'..='Я'));
        // A name or two may stand as they are.
        if self.words > 2 && !is_russian {
            return Some(format!("{} is not translated{both}", self.kind));
        }
        let lost: Vec<_> = self.fixed.difference(&russian.fixed).collect();
        let new: Vec<_> = russian.fixed.difference(&self.fixed).collect();
        let is_same = lost.is_empty() && new.is_empty();
        (!is_same).then(|| format!("only in English: {lost:?}, only in Russian: {new:?}{both}"))
    }
}

/// Whether a word of prose is the same in Russian: numbers (`20`), abbreviations and states
/// (`SIP`, `PM2`, `DIALING`). Two letters may be a unit, which has a Russian name.
fn is_fixed(word: &str) -> bool {
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    !word.contains(|c: char| c.is_ascii_lowercase()) && (has_digit || word.len() > 2)
}

/// A file's blocks, in its order. Text between blocks, such as HTML, is not compared.
fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut in_code = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        if let Event::Start(tag) = &event
            && let Some(block) = Block::of(tag)
        {
            in_code = matches!(tag, Tag::CodeBlock(_));
            blocks.push(block);
            continue;
        }
        let Some(block) = blocks.last_mut() else {
            continue;
        };
        match event {
            Event::Text(text) if in_code => block.text.push_str(&text),
            Event::Text(text) => block.add_prose(&text),
            Event::Code(code) => block.add_code(&code),
            Event::SoftBreak => block.text.push(' '),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                block.add_link(&dest_url);
            }
            _ => {}
        }
    }
    blocks
}

/// Where the two say different things: of each section the first difference.
fn differences(english: &str, russian: &str) -> Vec<String> {
    let (english, russian) = (blocks(english), blocks(russian));
    let levels = |blocks: &[Block]| -> Vec<String> {
        let headings = blocks.iter().filter(|block| block.is_heading());
        headings.map(|heading| heading.kind.clone()).collect()
    };
    let (english_levels, russian_levels) = (levels(&english), levels(&russian));
    if english_levels != russian_levels {
        return vec![format!(
            "the headings differ:\n  English: {english_levels:?}\n  Russian: {russian_levels:?}"
        )];
    }
    let sections = sections(&english).into_iter().zip(sections(&russian));
    sections
        .filter_map(|(english, russian)| section_difference(english, russian))
        .collect()
}

/// The blocks from each heading to the next.
fn sections(blocks: &[Block]) -> Vec<&[Block]> {
    blocks.chunk_by(|_, next| !next.is_heading()).collect()
}

fn section_difference(english: &[Block], russian: &[Block]) -> Option<String> {
    let title = &english.first()?.text;
    let mut pairs = english.iter().zip(russian);
    let difference = pairs.find_map(|(english, russian)| english.difference(russian));
    let difference = difference.or_else(|| {
        let (english, russian) = (english.len(), russian.len());
        let is_same = english == russian;
        (!is_same).then(|| format!("English has {english} blocks, Russian {russian}"))
    })?;
    Some(format!("in \"{title}\": {difference}"))
}

#[test]
fn the_table_of_keys_is_the_program_s_own() {
    let table = dialdeck::keys::markdown();
    assert!(
        ENGLISH.contains(&table),
        "README.md must have this table:\n{table}"
    );
}

#[test]
fn the_russian_readme_says_what_the_english_one_says() {
    let differences = differences(ENGLISH, RUSSIAN);
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn each_readme_links_to_the_other_in_its_first_lines() {
    let third_line = |text: &'static str| text.lines().nth(2);
    assert_eq!(third_line(ENGLISH), Some("[По-русски](README.ru.md)"));
    assert_eq!(third_line(RUSSIAN), Some("[In English](README.md)"));
}

/// Which numbers the table of dispositions names after `word` ("cause", "SIP") for this one:
/// "482, 483, 500 to 505".
fn numbers_after(row: &str, word: &str) -> Vec<std::ops::RangeInclusive<u16>> {
    let Some((_, after)) = row.split_once(&format!("{word} ")) else {
        return Vec::new();
    };
    let end = after.find(|c: char| !c.is_ascii_digit() && !", to".contains(c));
    let list = &after[..end.unwrap_or(after.len())];
    let number = |text: &str| text.trim().parse::<u16>().expect("a number");
    let ranges = list.split(',').filter(|part| !part.trim().is_empty());
    ranges
        .map(|part| match part.split_once(" to ") {
            Some((from, to)) => number(from)..=number(to),
            None => number(part)..=number(part),
        })
        .collect()
}

#[test]
fn each_sip_code_and_cause_has_the_disposition_of_the_table() {
    let section = ENGLISH.split("## How attempts end").nth(1);
    let section = section.and_then(|rest| rest.split("\n## ").next());
    let rows: Vec<(Disposition, &str)> = section
        .expect("the section is there")
        .lines()
        .filter_map(|line| {
            let (word, row) = line.strip_prefix("| `")?.split_once('`')?;
            Some((Disposition::from_word(word)?, row))
        })
        .collect();
    let in_order: Vec<Disposition> = rows.iter().map(|(d, _)| *d).collect();
    assert_eq!(in_order, Disposition::ALL, "all of them, in their order");
    let told = |word: &str, number: u16| {
        let mut named = rows.iter().filter(|(_, row)| {
            let ranges = numbers_after(row, word);
            ranges.iter().any(|range| range.contains(&number))
        });
        let found = named.next().map(|(d, _)| *d);
        assert!(named.next().is_none(), "{word} {number} stands twice");
        found
    };
    for q850 in 0..=127 {
        let cause = HangupCause { q850, sip: None };
        let expected = told("cause", q850).unwrap_or(Disposition::Failed);
        assert_eq!(cause.disposition(), expected, "cause {q850}");
    }
    for sip in 300..=699 {
        // A code that the table does not name leaves it to the cause, but for the trunk's fault.
        for q850 in [16, 17, 21, 127] {
            let cause = HangupCause {
                q850,
                sip: Some(sip),
            };
            let by_cause = HangupCause { q850, sip: None }.disposition();
            let expected = match sip {
                402 | 407 => Disposition::Failed,
                _ => told("SIP", sip).unwrap_or(by_cause),
            };
            assert_eq!(cause.disposition(), expected, "SIP {sip}, cause {q850}");
        }
    }
}

/// A manual of one page, for the test below.
const PAGE: &str = "\
# Dialer

It dials 20 numbers, see [the code](CODE.md), and is DIALING while `MAX_CC` allows.

```sh
dialer --start
```

| code | meaning |
| --- | --- |
| `A` | the first letter |
| `B` | the second letter |

## The end

- Press `q` to leave it.
- Read the manual again.
";

/// The same in Russian.
const PAGE_IN_RUSSIAN: &str = "\
# Dialer

Она в DIALING, пока позволяет `MAX_CC`, и набирает 20 номеров, см. [код](CODE.md).

```sh
dialer --start
```

| код | смысл |
| --- | --- |
| `A` | первая буква |
| `B` | вторая буква |

## Конец

- Нажмите `q`, чтобы выйти.
- Перечитайте руководство.
";

#[test]
fn a_translation_is_no_difference_and_everything_else_is_one() {
    assert_eq!(differences(PAGE, PAGE_IN_RUSSIAN), Vec::<String>::new());
    let edits = [
        ("a heading's level", "## Конец", "### Конец"),
        ("a heading less", "## Конец\n", ""),
        ("a number", "20 номеров", "30 номеров"),
        ("a state", "DIALING", "PAUSED"),
        ("a setting", "`MAX_CC`", "`MIN_CC`"),
        ("a link's target", "(CODE.md)", "(CODES.md)"),
        ("a link less", "[код](CODE.md)", "код"),
        ("a blank in code", "dialer --start", "dialer  --start"),
        ("code's language", "```sh", "```text"),
        ("another name in a table", "| `B` |", "| `C` |"),
        ("a name more in a table", "| `B` |", "| `B` `C` |"),
        ("prose for a name", "| `B` |", "| буква |"),
        (
            "rows changed about",
            "`A` | первая буква |\n| `B`",
            "`B` | первая буква |\n| `A`",
        ),
        ("a row less", "| `B` | вторая буква |\n", ""),
        (
            "a row more",
            "| `B` | вторая буква |\n",
            "| `B` | вторая буква |\n| `C` | третья |\n",
        ),
        ("a key", "`q`", "`x`"),
        ("an item less", "- Перечитайте руководство.\n", ""),
        (
            "a paragraph for an item",
            "\n- Перечитайте",
            "\n\nПеречитайте",
        ),
        (
            "left in English",
            "Перечитайте руководство.",
            "Read the manual again.",
        ),
        ("a paragraph more", "```sh", "Ещё одно.\n\n```sh"),
    ];
    for (what, before, after) in edits {
        let changed = PAGE_IN_RUSSIAN.replacen(before, after, 1);
        assert_ne!(changed, PAGE_IN_RUSSIAN, "{what} must change the page");
        assert_eq!(differences(PAGE, &changed).len(), 1, "{what}:\n{changed}");
    }
}
