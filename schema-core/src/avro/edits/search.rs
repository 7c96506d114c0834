//! The search: one problem at a time, each step kept only when it helps, and nothing offered that was not checked.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::Value;

use super::candidates::candidates;
use super::{Action, EDITS_MAX, Edit, Operation, Posted, Step, apply};
use crate::CompatibilityLevel;
use crate::avro::explain::{Bounds, Problem, problems};
use crate::avro::located::Located;
use crate::avro::parse::{Limits, ParseMode, ParseOptions};
use crate::avro::schema::Schema;
use crate::json::{Reader, to_text};
use crate::level::Direction;

/// Texts that one search tries.
const TEXTS_MAX: usize = 400;
/// Bytes of all texts that one search tries, references included each time.
const ALL_TEXTS_BYTES_MAX: usize = 32 << 20;
/// Pairs of types that one search compares.
const PAIRS_MAX: usize = 8_000_000;
/// Bytes of a text that is searched for edits.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// Steps of one edit that may solve one problem and make another.
const SIDEWAYS_MAX: usize = 12;
/// Problems that a schema may start with.
const PROBLEMS_MAX: usize = 80;
/// Steps of one edit.
const STEPS_MAX: usize = 40;

pub(super) fn search(new: &Posted<'_>, olds: &[&Schema], level: CompatibilityLevel) -> Vec<Edit> {
    let olds = match level {
        CompatibilityLevel::None => &[],
        level if level.is_transitive() => olds,
        _ => olds.get(..1).unwrap_or_default(),
    };
    if new.text.len() > TEXT_BYTES_MAX {
        return Vec::new();
    }
    let Ok(document) = Reader::new(new.text, Limits::default().depth_max).document() else {
        return Vec::new();
    };
    let bytes = new.references.iter().fold(new.text.len(), |sum, text| sum.saturating_add(text.len()));
    let mut search = Search {
        new: *new,
        olds,
        level,
        texts_left: TEXTS_MAX.min(ALL_TEXTS_BYTES_MAX / bytes.max(1)),
        pairs_left: PAIRS_MAX,
        tried: HashSet::new(),
    };
    search.edits(&document)
}

struct Search<'a> {
    new: Posted<'a>,
    olds: &'a [&'a Schema],
    level: CompatibilityLevel,
    texts_left: usize,
    pairs_left: usize,
    /// Texts that an alternative began with.
    tried: HashSet<String>,
}

/// A text on the way, with what is still wrong with it.
struct State {
    document: Value,
    text: String,
    schema: Schema,
    steps: Vec<Step>,
    /// The version with problems, by position, and them; `None` when every version is content.
    failing: Option<(usize, Vec<(Direction, Problem)>)>,
}

impl State {
    /// What is left to do: versions not reached, then problems. Less is better.
    fn distance(&self, versions: usize) -> (usize, usize) {
        match &self.failing {
            None => (0, 0),
            Some((at, problems)) => {
                (versions - at, problems.iter().map(|(_, problem)| leaves(problem)).sum())
            }
        }
    }
}

fn leaves(problem: &Problem) -> usize {
    problem.causes.iter().map(leaves).sum::<usize>().max(1)
}

impl Search<'_> {
    fn edits(&mut self, document: &Value) -> Vec<Edit> {
        let Some(start) = self.state(document.clone(), Vec::new()) else { return Vec::new() };
        let mut edits: Vec<Edit> = Vec::new();
        if start.distance(self.olds.len()).1 > PROBLEMS_MAX {
            return edits;
        }
        for step in self.steps_for(&start, 0, None) {
            if edits.len() == EDITS_MAX {
                break;
            }
            let prefer = step.action;
            let Some(first) = self.after(&start, step) else { continue };
            if !self.tried.insert(first.text.clone()) {
                continue;
            }
            let Some(done) = self.complete(first, prefer) else { continue };
            let steps = self.without_needless(document, done.steps);
            edits.extend(
                self.edit(document, steps)
                    .filter(|edit| edits.iter().all(|other| other.schema != edit.schema)),
            );
        }
        edits.sort_by_key(|edit| edit.steps.len());
        edits
    }

    /// Goes on until every version is content.
    fn complete(&mut self, mut state: State, prefer: Action) -> Option<State> {
        let mut seen = HashSet::new();
        let mut sideways_left = SIDEWAYS_MAX;
        while state.failing.is_some() {
            if state.steps.len() >= STEPS_MAX {
                return None;
            }
            let (next, progress) = self.next_state(&state, prefer, &seen)?;
            if progress == Ordering::Equal {
                sideways_left = sideways_left.checked_sub(1)?;
            }
            state = next;
            seen.insert(state.text.clone());
        }
        Some(state)
    }

    /// Steps worth trying for one problem of a state, those of the preferred kind first.
    fn steps_for(&self, state: &State, problem: usize, prefer: Option<Action>) -> Vec<Step> {
        let Some((at, problems)) = &state.failing else { return Vec::new() };
        let (Some(old), Some((direction, problem))) = (self.olds.get(*at), problems.get(problem)) else {
            return Vec::new();
        };
        let new = Located::in_text(&state.schema, &state.text);
        let mut steps = candidates(problem, *direction, &new, old, &state.document);
        steps.sort_by_key(|step| Some(step.action) != prefer);
        steps
    }

    /// The best next state: the first that has less wrong with it, else one that has something else wrong and is new.
    fn next_state(
        &mut self,
        state: &State,
        prefer: Action,
        seen: &HashSet<String>,
    ) -> Option<(State, Ordering)> {
        let versions = self.olds.len();
        let problems = state.failing.as_ref().map_or(0, |(_, problems)| problems.len());
        let mut sideways = None;
        for problem in 0..problems {
            for step in self.steps_for(state, problem, Some(prefer)) {
                let Some(next) = self.after(state, step) else { continue };
                match next.distance(versions).cmp(&state.distance(versions)) {
                    Ordering::Less => return Some((next, Ordering::Less)),
                    Ordering::Equal if sideways.is_none() && !seen.contains(&next.text) => {
                        sideways = Some(next);
                    }
                    _ => {}
                }
            }
            if self.texts_left == 0 {
                break;
            }
        }
        sideways.map(|next| (next, Ordering::Equal))
    }

    /// The state after a step, when the text still parses and no more is wrong with it than before.
    fn after(&mut self, state: &State, step: Step) -> Option<State> {
        let document = apply(&state.document, &step.patch)?;
        let steps = state.steps.iter().cloned().chain([step]).collect();
        let next = self.state(document, steps)?;
        let versions = self.olds.len();
        (next.distance(versions) <= state.distance(versions)).then_some(next)
    }

    /// Parses a text and holds it against the versions.
    fn state(&mut self, document: Value, steps: Vec<Step>) -> Option<State> {
        self.texts_left = self.texts_left.checked_sub(1)?;
        let text = to_text(&document);
        let options = ParseOptions { mode: self.new.mode, ..ParseOptions::default() };
        let schema = Schema::parse_with(&text, self.new.references, &options).ok()?;
        let mut failing = None;
        for (at, old) in self.olds.iter().enumerate() {
            let mut found = Vec::new();
            for direction in [Direction::Forward, Direction::Backward] {
                found.extend(self.problems(&schema, old, direction)?.into_iter().map(|one| (direction, one)));
            }
            if !found.is_empty() {
                failing = Some((at, found));
                break;
            }
        }
        Some(State { document, text, schema, steps, failing })
    }

    /// The problems of one direction, when the level asks for it; `None` when the search has used up what it may.
    fn problems(&mut self, new: &Schema, old: &Schema, direction: Direction) -> Option<Vec<Problem>> {
        let (asked, reader, writer) = match direction {
            Direction::Backward => (self.level.checks_backward(), new, old),
            Direction::Forward => (self.level.checks_forward(), old, new),
        };
        if !asked {
            return Some(Vec::new());
        }
        let mut bounds = Bounds::default();
        bounds.pairs = self.pairs_left;
        let found = problems(reader, writer, (reader.root(), writer.root()), &mut bounds);
        self.pairs_left = bounds.pairs;
        (self.pairs_left > 0).then_some(found)
    }

    /// The steps without those that the others make needless.
    fn without_needless(&mut self, document: &Value, mut steps: Vec<Step>) -> Vec<Step> {
        let mut at = 0;
        while steps.len() > 1 && at < steps.len() {
            let others: Vec<Step> = steps
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != at)
                .map(|(_, step)| step.clone())
                .collect();
            if self.edit(document, others.clone()).is_some() {
                steps = others;
            } else {
                at += 1;
            }
        }
        steps
    }

    /// The edit made of these steps, if every version is content with the text it gives, and with the canonical text that
    /// would be stored.
    fn edit(&mut self, document: &Value, steps: Vec<Step>) -> Option<Edit> {
        let patch: Vec<Operation> = steps.iter().flat_map(|step| step.patch.iter().cloned()).collect();
        let edited = self.state(apply(document, &patch)?, Vec::new())?;
        let options = ParseOptions { mode: ParseMode::Lax, ..ParseOptions::default() };
        let stored = Schema::parse_with(edited.schema.canonical(), self.new.references, &options).ok()?;
        for old in self.olds {
            for direction in [Direction::Forward, Direction::Backward] {
                if !self.problems(&stored, old, direction)?.is_empty() {
                    return None;
                }
            }
        }
        if edited.failing.is_some() {
            return None;
        }
        let sentences: Vec<&str> = steps.iter().map(|step| step.description.as_str()).collect();
        Some(Edit { description: sentences.join(" "), patch, schema: edited.text, steps })
    }
}
