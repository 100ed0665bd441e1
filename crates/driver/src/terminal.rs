//! Text that fits the terminal: paragraphs and tables.

use std::ops::Range;

use terminal_size::{Width, terminal_size_of};

use crate::color;

/// The gap between columns of a table; half of it if that makes the table fit.
const GAP: usize = 2;

/// The width of a stream's terminal, if known: `COLUMNS` if set, as in POSIX, or the
/// terminal's own.
#[cfg(unix)]
pub fn width(stream: impl std::os::fd::AsFd) -> Option<usize> {
    columns().or_else(|| terminal_size_of(stream).map(|(Width(width), _)| width.into()))
}

/// The same for a Windows console.
#[cfg(windows)]
pub fn width(stream: impl std::os::windows::io::AsHandle) -> Option<usize> {
    columns().or_else(|| terminal_size_of(stream).map(|(Width(width), _)| width.into()))
}

fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.trim().parse().ok().filter(|&columns| columns > 0)
}

/// `text` after `label`, in lines of at most `width`; lines after the first are indented by the label's width. A word
/// that is longer gets a line of its own, and `28 x 28` is one.
pub fn hanging(label: &str, text: &str, width: Option<usize>) -> String {
    let indent = color::columns(label);
    let (mut lines, mut taken) = (label.to_string(), indent);
    for (i, word) in text.replace(" x ", "\0x\0").split(' ').enumerate() {
        let length = color::columns(word);
        if i > 0 && width.is_some_and(|width| taken + 1 + length > width) {
            lines = format!("{}\n{}", lines.trim_end(), " ".repeat(indent));
            taken = indent;
        } else if i > 0 {
            lines.push(' ');
            taken += 1;
        }
        lines += word;
        taken += length;
    }
    lines.replace('\0', " ")
}

/// The end of `text`, after `…` if it is longer than `width`: of a path, its end tells more.
pub fn tail(text: &str, width: usize) -> String {
    let length = text.chars().count();
    match length > width {
        true => {
            text.chars().skip(length + 1 - width.max(1)).fold("…".into(), |tail: String, c| tail + &c.to_string())
        }
        false => text.into(),
    }
}

/// A table: the first row and the first column hold names.
pub struct Table<'a> {
    pub rows: usize,
    pub columns: usize,
    /// The text of a row and column, computed on demand.
    pub cell: &'a dyn Fn(usize, usize) -> String,
    /// The left-aligned columns; the others are right-aligned.
    pub left: &'a [usize],
}

impl Table<'_> {
    /// The table in lines of at most `width`; a wider one is split into blocks, each with the first column.
    pub fn text(&self, width: Option<usize>) -> String {
        let widest = |column| (0..self.rows).map(|row| color::columns(&(self.cell)(row, column))).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns).map(widest).collect();
        let total = |gap| widths.iter().sum::<usize>() + gap * self.columns.saturating_sub(1);
        let available = width.unwrap_or(usize::MAX);
        let close = total(GAP) > available && total(GAP / 2) <= available;
        let gap = if close { GAP / 2 } else { GAP };
        let mut limit = available.min(total(gap));
        let blocks = in_blocks(&widths, gap, limit);
        // The same number of blocks, with about the same width.
        while limit > 0 && blocks.len() > 1 && in_blocks(&widths, gap, limit - 1).len() == blocks.len() {
            limit -= 1;
        }
        let blocks = in_blocks(&widths, gap, limit);
        let texts: Vec<String> = blocks.into_iter().map(|block| self.block(block, &widths, gap)).collect();
        texts.join("\n\n")
    }

    fn block(&self, columns: Range<usize>, widths: &[usize], gap: usize) -> String {
        let mut text = String::new();
        for row in 0..self.rows {
            let mut line = String::new();
            for column in [0].into_iter().chain(columns.clone()) {
                let (cell, width) = ((self.cell)(row, column), widths[column]);
                line.extend(std::iter::repeat_n(' ', if column == 0 { 0 } else { gap }));
                line += &color::padded(&cell, width, self.left.contains(&column));
            }
            text += line.trim_end();
            text.extend((row + 1 < self.rows).then_some('\n'));
        }
        text
    }
}

/// The columns after the first that fit into a block.
fn in_blocks(widths: &[usize], gap: usize, available: usize) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let (mut from, mut taken) = (1, widths[0]);
    for (column, width) in widths.iter().enumerate().skip(1) {
        if column > from && taken + gap + width > available {
            blocks.push(from..column);
            (from, taken) = (column, widths[0]);
        }
        taken += gap + width;
    }
    blocks.push(from..widths.len());
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_wrapped_and_indented() {
        assert_eq!(hanging("Data  ", "one two three", Some(13)), "Data  one two\n      three");
        assert_eq!(hanging("Data  ", "one two three", Some(18)), "Data  one two\n      three");
        assert_eq!(hanging("Data  ", "one two three", Some(19)), "Data  one two three");
        assert_eq!(hanging("Data  ", "one two three", None), "Data  one two three");
        assert_eq!(hanging("", "a /long/path b", Some(5)), "a\n/long/path\nb");
        assert_eq!(hanging("", "images of 8 x 8", Some(14)), "images of\n8 x 8");
    }

    #[test]
    fn a_long_path_keeps_its_end() {
        assert_eq!((tail("scans/one.png", 13), tail("scans/one.png", 8)), ("scans/one.png".into(), "…one.png".into()));
        assert_eq!(tail("äöü", 1), "…");
    }

    #[test]
    fn a_table_is_aligned_and_complete_in_any_width() {
        let cell =
            |row: usize, column: usize| if row == 0 { format!("c{column}") } else { (row * 10 + column).to_string() };
        let table = Table { rows: 4, columns: 9, cell: &cell, left: &[] };
        assert_eq!(table.text(None).lines().count(), 4);
        for width in [6, 8, 11, 17, 26, 34, 80] {
            let text = table.text(Some(width));
            for block in text.split("\n\n") {
                let lines: Vec<&str> = block.lines().collect();
                assert!(
                    lines.iter().all(|line| line.len() == lines[0].len() && line.len() <= width),
                    "{width}: {text}"
                );
                assert!(lines[0].starts_with("c0 ") && lines[3].starts_with("30 "), "{width}: {text}");
            }
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(
                (0..4).all(|row| (0..9).all(|column| words.contains(&cell(row, column).as_str()))),
                "{width}: {text}"
            );
        }
        assert!(table.text(Some(26)).lines().count() == 4, "closer before in blocks");
    }

    #[test]
    fn blocks_are_about_equally_wide() {
        assert_eq!(in_blocks(&[2, 2, 2, 2, 2, 2], 2, 14), [1..4, 4..6]);
        let table = Table { rows: 1, columns: 6, cell: &|_, _| "xx".into(), left: &[] };
        assert_eq!(table.text(Some(15)), "xx  xx  xx  xx\n\nxx  xx  xx");
    }
}
