//! placeholder until the real one is merged
use super::Number;
/// Numbers.
#[derive(Debug, Default)]
pub struct Numbers {
    all: Vec<String>,
    index: std::collections::HashMap<String, u32>,
}
impl Numbers {
    /// push
    pub fn push(&mut self, n: &Number) -> Option<u32> {
        if self.index.contains_key(n.as_str()) {
            return None;
        }
        let i = u32::try_from(self.all.len()).ok()?;
        self.all.push(n.as_str().to_owned());
        self.index.insert(n.as_str().to_owned(), i);
        Some(i)
    }
    /// get
    pub fn get(&self, i: u32) -> Option<&str> {
        self.all.get(i as usize).map(String::as_str)
    }
    /// len
    pub fn len(&self) -> usize {
        self.all.len()
    }
    /// find
    pub fn find(&self, n: &str) -> Option<u32> {
        self.index.get(n).copied()
    }
}
