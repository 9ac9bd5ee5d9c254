use dialdeck::report::csv_field;

/// A row of a report: whatever stands in it, a reader gets the same fields back, and a
/// spreadsheet runs none of them.
pub fn csv(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let fields: Vec<&str> = text.split('\u{1f}').collect();
    let row: Vec<String> = fields.iter().map(|field| csv_field(field)).collect();
    let read = fields_of(&row.join(","));
    assert_eq!(read.len(), fields.len(), "{row:?}");
    for (read, field) in read.iter().zip(&fields) {
        let dialable = field.bytes().all(|b| b"0123456789+*#".contains(&b));
        let runs = read.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
        assert!(dialable || !runs, "a spreadsheet runs {read:?}");
        let guarded = read.strip_prefix('\'').is_some_and(|rest| rest == *field);
        assert!(read == field || guarded, "{field:?} came back as {read:?}");
    }
}

/// The fields of one row, as RFC 4180 has them.
fn fields_of(row: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = row.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("there is one");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            c => {
                let stands_free = quoted || !matches!(c, '\r' | '\n' | '"');
                assert!(stands_free, "{c:?} stands free in {row:?}");
                field.push(c);
            }
        }
    }
    assert!(!quoted, "a quote is left open in {row:?}");
    fields
}
