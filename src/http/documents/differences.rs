//! The table of differences from CPython on Linux, for the documentation.

/// The rows in Markdown, the same as in the README.
const TABLE: &str = include_str!("differences.md");

/// A part of a cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Plain text.
    Text(&'static str),
    /// Code.
    Code(&'static str),
}

/// A row of the table.
pub(super) struct Difference {
    /// The behaviour on Linux, and here.
    pub(super) cells: [Vec<Part>; 2],
}

/// Returns the rows of the table.
pub(super) fn differences() -> Vec<Difference> {
    let rows = TABLE.lines().skip(2).filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        line.split_once(" | ")
    });
    rows.map(|(linux, here)| Difference {
        cells: [parts(linux), parts(here)],
    })
    .collect()
}

/// Splits a cell into text and code, which is between backticks.
fn parts(cell: &'static str) -> Vec<Part> {
    let parts = cell.split('`').enumerate().map(|(index, part)| {
        if index % 2 == 0 {
            Part::Text(part)
        } else {
            Part::Code(part)
        }
    });
    parts.filter(|part| *part != Part::Text("")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_row() {
        let rows = differences();
        assert_eq!(rows.len() + 2, TABLE.lines().count());
        let platform = ["sys.platform", "wasi"].map(|code| vec![Part::Code(code)]);
        assert!(rows.iter().any(|row| row.cells == platform));
    }
}
