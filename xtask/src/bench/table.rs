//! The table of demands: what was measured, what was asked, whether it is met.

#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    ratio: f64,
    demand: String,
    met: bool,
    detail: String,
}

impl Table {
    pub(super) fn at_most(&mut self, what: &str, ratio: f64, most: f64, detail: &str) {
        self.add(what, ratio, format!("<= {most}"), ratio <= most, detail);
    }

    pub(super) fn at_least(&mut self, what: &str, ratio: f64, least: f64, detail: &str) {
        self.add(what, ratio, format!(">= {least}"), ratio >= least, detail);
    }

    fn add(&mut self, what: &str, ratio: f64, demand: String, met: bool, detail: &str) {
        eprintln!("measured: {what}: {ratio:.3} ({detail})");
        self.rows.push(Row { what: what.to_owned(), ratio, demand, met, detail: detail.to_owned() });
    }

    pub(super) fn all_met(&self) -> bool {
        self.rows.iter().all(|row| row.met)
    }

    pub(super) fn print(&self) {
        println!("| what | ratio | demand | met | figures |\n|---|---|---|---|---|");
        for Row { what, ratio, demand, met, detail } in &self.rows {
            let met = if *met { "yes" } else { "NO" };
            println!("| {what} | {ratio:.3} | {demand} | {met} | {detail} |");
        }
    }
}
