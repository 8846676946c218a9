//! Tables for people: fitted to a terminal, plain text with bounded columns elsewhere. Prints nothing.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, TableStyle};
use unicode_width::UnicodeWidthStr;

/// A column that goes to a file or a pipe ends here, so that one long value does not push the others out of sight.
const WIDEST_PLAIN: usize = 60;

/// The longest cell that a terminal gets, wrapped over lines.
const LONGEST_CELL: usize = 400;

/// Marks what was cut.
const CUT: char = '…';

/// Rows under headers.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns of numbers.
    right: Vec<usize>,
    /// The first of the columns that a narrow terminal can do without.
    spare: Option<usize>,
    /// Said instead of a table without rows.
    empty: &'static str,
}

impl Table {
    pub(super) fn new(headers: &[&str], empty: &'static str) -> Self {
        Self { headers: headers.iter().map(|header| header.to_uppercase()).collect(), empty, ..Self::default() }
    }

    /// Names on the left, values on the right.
    pub(super) fn sheet(rows: Vec<(&str, String)>) -> Self {
        let rows = rows
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| vec![name.to_owned(), value])
            .collect();
        Self { rows, ..Self::default() }
    }

    /// These columns hold numbers.
    pub(super) fn numbers(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    /// From this column on, they are left out where a terminal is too narrow for whole cells, the last ones first.
    pub(super) fn spare_from(mut self, column: usize) -> Self {
        self.spare = Some(column);
        self
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn terminal_width() -> Option<u16> {
        comfy_table::Table::new().width()
    }

    /// With line ends. `width` is the terminal's; none where there is no terminal.
    pub(super) fn render(&self, width: Option<u16>) -> String {
        if self.rows.is_empty() {
            return if self.empty.is_empty() { String::new() } else { format!("{}\n", self.empty) };
        }
        let columns = self.columns(width);
        let last = columns.saturating_sub(1);
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new());
        match width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            }
            None => {
                table.force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        if !self.headers.is_empty() {
            table.set_header(self.headers.iter().take(columns));
        }
        // Behind the last column nothing can be pushed out of sight.
        let most = |index| if width.is_some() || index == last { LONGEST_CELL } else { WIDEST_PLAIN };
        for row in &self.rows {
            let cells = row.iter().take(columns).enumerate().map(|(index, text)| Cell::new(clean(text, most(index))));
            table.add_row(cells.collect::<Vec<_>>());
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { 2 }));
            if self.right.contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            // A name that is broken in two can't be copied.
            if index == 0 && width.is_some_and(|width| self.widest(0) <= usize::from(width) / 2) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n") + "\n"
    }

    /// How many columns are shown.
    fn columns(&self, width: Option<u16>) -> usize {
        let mut columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        if let (Some(width), Some(spare)) = (width, self.spare) {
            let all = |columns: usize| (0..columns).map(|column| self.widest(column) + 2).sum::<usize>();
            while columns > spare && all(columns) > usize::from(width) + 2 {
                columns -= 1;
            }
        }
        columns
    }

    /// The width of the widest cell of a column.
    fn widest(&self, column: usize) -> usize {
        let rows = std::iter::once(&self.headers).chain(&self.rows);
        rows.filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
    }
}

/// What a CRM or a plugin wrote, on one line and without the control characters that could steer a terminal.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut clean: String =
        text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).take(most + 1).collect();
    if clean.chars().count() > most {
        clean = clean.chars().take(most - 1).collect();
        clean.push(CUT);
    }
    clean
}

/// Characters that turn or hide what stands beside them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", "rows", "note"], "no syncs yet").numbers(&[1]);
        table.row(vec!["people".into(), "7".into(), "fine".into()]);
        table.row(vec!["leads-eu".into(), "1200".into(), String::new()]);
        table
    }

    #[test]
    fn a_table_in_a_pipe_is_plain_and_aligned() {
        assert_eq!(table().render(None), "NAME      ROWS  NOTE\npeople       7  fine\nleads-eu  1200\n");
    }

    #[test]
    fn a_table_without_rows_says_so() {
        assert_eq!(Table::new(&["name"], "no syncs yet").render(None), "no syncs yet\n");
    }

    #[test]
    fn a_narrow_terminal_gets_wrapped_cells_and_no_line_beyond_its_width() {
        let mut table = Table::new(&["name", "note"], "");
        table.row(vec!["a".into(), "one two three four five six seven eight nine ten".into()]);
        let shown = table.render(Some(30));
        assert!(shown.lines().all(|line| line.chars().count() <= 30), "{shown}");
        assert!(shown.lines().count() > 2, "{shown}");
    }

    #[test]
    fn a_narrow_terminal_does_without_spare_columns_before_it_breaks_cells() {
        let mut table = Table::new(&["id", "email", "source"], "").spare_from(2);
        table.row(vec!["c1".into(), "ada@example.com".into(), "trade show".into()]);
        assert_eq!(table.render(Some(31)), "ID  EMAIL            SOURCE\nc1  ada@example.com  trade show\n");
        assert_eq!(table.render(Some(30)), "ID  EMAIL\nc1  ada@example.com\n");
        assert!(table.render(Some(15)).lines().all(|line| line.chars().count() <= 15));
    }

    #[test]
    fn only_the_last_column_may_be_long_in_a_pipe() {
        let long = "x".repeat(100);
        let mut table = Table::new(&["a", "b"], "");
        table.row(vec![long.clone(), long.clone()]);
        let shown = table.render(None);
        let cells: Vec<&str> = shown.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(cells, [&format!("{}…", "x".repeat(59)), &long]);
    }

    #[test]
    fn a_value_can_not_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mred\nb\u{202e}c", 60), "a [31mred b c");
        assert_eq!(clean("abcdef", 4), "abc…");
        assert_eq!(clean("abcd", 4), "abcd");
    }

    #[test]
    fn a_sheet_leaves_out_what_is_not_known() {
        let sheet =
            Table::sheet(vec![("name", "hub".into()), ("segment", String::new()), ("object", "contacts".into())]);
        assert_eq!(sheet.render(None), "name    hub\nobject  contacts\n");
    }
}
