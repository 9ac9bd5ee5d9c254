//! Which rows of a list a pane shows.

/// The window over a list, and where the last cursor stood in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scroll {
    /// The first row shown.
    pub(crate) offset: usize,
    /// Where the cursor is, or was last.
    pub(crate) cursor: usize,
    /// How many rows the pane had when it was drawn last.
    pub(crate) height: usize,
}

impl Scroll {
    /// The list was made anew: the selected row is now at `place`, if there is one. It stays
    /// where it stood on the screen as far as possible.
    pub(crate) fn follow(&mut self, place: Option<usize>, len: usize) {
        if let Some(place) = place {
            let line = self.cursor.saturating_sub(self.offset);
            self.cursor = place;
            self.offset = place.saturating_sub(line);
        }
        self.cursor = self.cursor.min(len.saturating_sub(1));
        self.clamp(len);
    }

    /// Moves the cursor to `place` and the window as little as needed.
    pub(crate) fn go(&mut self, place: usize, len: usize) {
        self.cursor = place.min(len.saturating_sub(1));
        if self.cursor < self.offset {
            self.offset = self.cursor;
        }
        let height = self.height.max(1);
        if self.cursor >= self.offset + height {
            self.offset = self.cursor + 1 - height;
        }
        self.clamp(len);
    }

    /// The pane is drawn with `height` rows.
    pub(crate) fn fit(&mut self, height: usize, len: usize) {
        let grew = self.height != height;
        self.height = height;
        if grew {
            self.go(self.cursor, len);
        }
        self.clamp(len);
    }

    fn clamp(&mut self, len: usize) {
        self.offset = self.offset.min(len.saturating_sub(self.height.max(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: usize, cursor: usize) -> Scroll {
        Scroll {
            offset,
            cursor,
            height: 10,
        }
    }

    #[test]
    fn the_selected_row_stays_where_it_stood_on_the_screen() {
        let mut scroll = at(20, 24);
        scroll.follow(Some(21), 100);
        assert_eq!((scroll.offset, scroll.cursor), (17, 21));
        scroll.follow(Some(2), 100);
        assert_eq!((scroll.offset, scroll.cursor), (0, 2));
    }

    #[test]
    fn the_window_moves_as_little_as_needed_and_never_past_the_end() {
        let mut scroll = at(0, 0);
        scroll.go(9, 100);
        assert_eq!(scroll.offset, 0);
        scroll.go(10, 100);
        assert_eq!(scroll.offset, 1);
        scroll.go(usize::MAX, 100);
        assert_eq!((scroll.offset, scroll.cursor), (90, 99));
        scroll.follow(None, 5);
        assert_eq!((scroll.offset, scroll.cursor), (0, 4));
    }
}
