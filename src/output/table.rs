//! Tables for people: columns aligned, cut to the terminal's width; plain where there is none.

use std::{borrow::Cow, fmt::Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a table is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Style {
    /// Whether a line of column names comes first.
    pub header: bool,
    /// Whether escape sequences may be used.
    pub colour: bool,
    /// The width to cut to, in columns; `None`: nothing is cut.
    pub width: Option<usize>,
}

/// What a line stands out by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Emphasis {
    /// Green: what is on.
    Good,
    /// As it is.
    #[default]
    None,
    /// Yellow: what needs something.
    Warning,
}

/// One line of a table.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Two columns before the first: a mark.
    pub mark: &'static str,
    /// The cells.
    pub cells: Vec<String>,
    /// What its last cell stands out by.
    pub emphasis: Emphasis,
}

/// The text of a table. Control characters in cells are escaped.
pub fn render(names: &[&str], rows: &[Row], style: Style) -> String {
    let shown = |row: &Row| Row {
        mark: row.mark,
        cells: row.cells.iter().map(|cell| visible(cell)).collect(),
        emphasis: row.emphasis,
    };
    let head = Row { cells: names.iter().map(|name| visible(name)).collect(), ..Row::default() };
    let mut all: Vec<Row> = if style.header { vec![head] } else { Vec::new() };
    all.extend(rows.iter().map(shown));
    let widths = widths(&all, names.len(), style.width);
    let mut text = String::new();
    for (at, row) in all.iter().enumerate() {
        let style = Style { header: style.header && at == 0, ..style };
        text.push_str(line(row, &widths, style).trim_end());
        text.push('\n');
    }
    text
}

/// The text with control characters, and what could turn a line around, made visible.
pub fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
            || matches!(c, '\u{e0000}'..='\u{e007f}')
    };
    let is_plain = |b: u8| (b' '..=b'~').contains(&b);
    if text.bytes().all(is_plain) || !text.chars().any(hidden) {
        return text.to_owned();
    }
    let escape = |c: char| if hidden(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

fn line(row: &Row, widths: &[usize], style: Style) -> String {
    let mut line = format!("{:2}", row.mark);
    let last = row.cells.len().saturating_sub(1);
    for (at, (cell, width)) in row.cells.iter().zip(widths).enumerate() {
        let cell = cut(cell, *width);
        let padding = width.saturating_sub(cell.width()) + 2;
        let code = match row.emphasis {
            _ if !style.colour || at != last || style.header => None,
            Emphasis::Good => Some("32"),
            Emphasis::None => None,
            Emphasis::Warning => Some("33"),
        };
        match code {
            Some(code) => _ = write!(line, "\u{1b}[{code}m{cell}\u{1b}[0m"),
            None => line.push_str(&cell),
        }
        line.extend(std::iter::repeat_n(' ', padding));
    }
    line
}

/// The widths of the columns. Where they do not fit, the widest ones give, down to 12.
fn widths(rows: &[Row], columns: usize, limit: Option<usize>) -> Vec<usize> {
    const LEAST: usize = 12;
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.cells.get(at));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns).map(width).collect();
    let Some(limit) = limit else { return widths };
    let total = |widths: &[usize]| 2 + widths.iter().map(|w| w + 2).sum::<usize>();
    while total(&widths) > limit + 2 {
        match widths.iter_mut().max() {
            Some(widest) if *widest > LEAST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |mark, cells: [&str; 3]| Row {
            mark,
            cells: cells.iter().map(|c| (*c).to_owned()).collect(),
            emphasis: Emphasis::Good,
        };
        vec![row("*", ["prod !", "444455556666", "active"]), row("", ["wörk", "-", "x"])]
    }

    #[test]
    fn columns_are_aligned_and_plain_in_a_pipe() {
        let text = render(&["NAME", "ACCOUNT", "STATUS"], &rows(), Style::default());
        assert_eq!(text, "* prod !  444455556666  active\n  wörk    -             x\n");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_column() {
        let style = Style { header: true, colour: false, width: Some(24) };
        let mut rows = rows();
        rows[0].cells[0] = "a-very-long-session-name-indeed".into();
        let text = render(&["NAME", "ACCOUNT", "STATUS"], &rows, style);
        assert!(text.starts_with("  NAME"), "{text}");
        assert!(text.contains("a-very-long…"), "{text}");
    }

    #[test]
    fn a_cell_cannot_move_the_cursor() {
        let mut rows = rows();
        let odd = ['\u{1b}', '\u{202e}', '\u{61c}', '\u{2028}', '\u{ad}', '\u{e0041}', '\n'];
        rows[0].cells[0] = String::from_iter(odd);
        let text = render(&["NAME"], &rows, Style::default());
        let shown = text.lines().next().unwrap_or_default();
        assert!(!shown.contains(odd) && text.lines().count() == 2, "{text}");
    }
}
