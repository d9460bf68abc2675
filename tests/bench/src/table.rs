//! The table of figures, as Markdown.

/// What a row measures.
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    /// The most that the ratio may be.
    most: f64,
}

impl Row {
    pub(crate) fn new(name: impl AsRef<str>, unit: &'static str, most: f64) -> Self {
        Self { name: name.as_ref().to_owned(), unit, most }
    }
}

/// Figures of two targets, and their ratios.
pub(crate) struct Table {
    names: [&'static str; 3],
    /// The text that the name of a row must contain.
    only: String,
    rows: Vec<(Row, [f64; 2])>,
}

impl Table {
    pub(crate) fn new(names: [&'static str; 3], only: &str) -> Self {
        Self { names, only: only.to_owned(), rows: Vec::new() }
    }

    /// Returns whether a row of this name is measured.
    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }

    /// Adds a row, from the figures of all rounds.
    pub(crate) fn add(&mut self, row: Row, figures: [Vec<f64>; 2]) {
        let medians = figures.map(median);
        eprintln!("{}: {medians:.2?} {}", row.name, row.unit);
        self.rows.push((row, medians));
    }

    /// Returns whether no row was measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether every ratio is within its limit.
    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().all(|(row, [ours, theirs])| ours / theirs <= row.most)
    }

    /// Prints the table, if there is anything in it.
    pub(crate) fn print(&self) {
        if self.is_empty() {
            return;
        }
        let [what, ours, theirs] = self.names;
        println!("\n| {what} | {ours} | {theirs} | ratio | limit |\n|---|---:|---:|---:|---:|");
        for (Row { name, unit, most }, [ours, theirs]) in &self.rows {
            let limit = if most.is_finite() { format!("{most:.2}") } else { String::new() };
            let over = if ours / theirs > *most { " (missed)" } else { "" };
            let figure =
                |value: f64| if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") };
            let (a, b, ratio) = (figure(*ours), figure(*theirs), ours / theirs);
            println!("| {name}, {unit} | {a} | {b} | {ratio:.2}{over} | {limit} |");
        }
    }
}

/// Returns the middle one of the values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
