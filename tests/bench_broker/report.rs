//! Medians, spreads and tables.

use std::io::Write as _;

/// One line to standard output.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The measured values of one cell, a round each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Median with the smallest and the largest value.
    pub(crate) fn shown(&self, digits: usize) -> String {
        let (least, most) = (self.0.first(), self.0.last());
        let (least, most) = (least.copied().unwrap_or(f64::NAN), most.copied().unwrap_or(f64::NAN));
        format!("{:.digits$} ({least:.digits$}-{most:.digits$})", self.median())
    }
}
