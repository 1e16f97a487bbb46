//! Tables for people.

/// The first cell of the row that is the sum of those above it.
pub const SUM: &str = "sum";

/// A table whose columns stand in groups, with a title over each group.
///
/// Columns of a group that has no title are text, and stand to the left; others are numbers.
#[derive(Debug)]
pub struct Grid {
    titles: Vec<String>,
    /// Cells by group and column. The first row names the columns.
    rows: Vec<Vec<Vec<String>>>,
}

impl Grid {
    /// A table with these groups: the title of each, and the names of its columns.
    pub fn new(groups: &[(&str, &[&str])]) -> Self {
        let names = groups.iter().map(|(_, names)| names.iter().map(|&name| name.into()).collect());
        Grid {
            titles: groups.iter().map(|&(title, _)| title.to_owned()).collect(),
            rows: vec![names.collect()],
        }
    }

    /// Adds a row: cells by group and column, as many as there are names.
    pub fn add(&mut self, row: Vec<Vec<String>>) {
        self.rows.push(row);
    }

    /// The table as text. There is a line below the names, and one above a row that begins with
    /// [`SUM`].
    pub fn render(&self) -> String {
        let widths = self.widths();
        let titles = self.titles.iter().zip(&widths).map(|(title, widths)| {
            let width = widths.iter().sum::<usize>() + widths.len() - 1;
            format!("{title:^width$}")
        });
        let mut text = line(titles);
        for (index, row) in self.rows.iter().enumerate() {
            // The names of the columns and the sum are set off from the rows between them.
            let is_sum = row[0][0] == SUM;
            if index == 1 || is_sum {
                let rules = widths
                    .iter()
                    .map(|widths| "─".repeat(widths.iter().sum::<usize>() + widths.len() - 1));
                text += &(rules.collect::<Vec<_>>().join("─┼─") + "\n");
            }
            text +=
                &line(row.iter().zip(&widths).zip(&self.titles).map(|((cells, widths), title)| {
                    let cells = cells.iter().zip(widths).map(|(cell, &width)| {
                        if title.is_empty() {
                            format!("{cell:<width$}")
                        } else {
                            format!("{cell:>width$}")
                        }
                    });
                    cells.collect::<Vec<_>>().join(" ")
                }));
        }
        text
    }

    /// The width of every column, in characters. The last of a group makes room for its title.
    fn widths(&self) -> Vec<Vec<usize>> {
        let width = |group: usize, column: usize| {
            self.rows.iter().map(|row| row[group][column].chars().count()).max().unwrap_or(0)
        };
        let columns = |(group, cells): (usize, &Vec<String>)| {
            let mut widths: Vec<_> = (0..cells.len()).map(|column| width(group, column)).collect();
            let whole = widths.iter().sum::<usize>() + widths.len() - 1;
            let missing = self.titles[group].chars().count().saturating_sub(whole);
            if let Some(last) = widths.last_mut() {
                *last += missing;
            }
            widths
        };
        self.rows[0].iter().enumerate().map(columns).collect()
    }
}

/// The parts of a line with bars between them.
fn line(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" │ ").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_has_room() {
        let mut grid = Grid::new(&[("", &["name"]), ("a long title", &["on"]), ("b", &["on"])]);
        grid.add(vec![vec!["leds".into()], vec!["9".into()], vec!["10".into()]]);
        let expected = "     │ a long title │ b
name │           on │ on
─────┼──────────────┼───
leds │            9 │ 10
";
        assert_eq!(grid.render(), expected);
    }

    #[test]
    fn text_stands_to_the_left_and_numbers_to_the_right() {
        let mut grid = Grid::new(&[("", &["name"]), ("bytes", &["off", "on"])]);
        for (name, off, on) in [("leds", "1000", "9"), (SUM, "1000", "12345")] {
            grid.add(vec![vec![name.into()], vec![off.into(), on.into()]]);
        }
        let expected = "     │   bytes
name │  off    on
─────┼───────────
leds │ 1000     9
─────┼───────────
sum  │ 1000 12345
";
        assert_eq!(grid.render(), expected);
    }
}
