//! From text to nodes. Everything the author wrote is kept; what Java refuses is refused in Java's words.

mod named;
mod resolve;
mod types;

pub(super) use resolve::printed_depth;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::name::Name;
use super::node::{Kind, Node, NodeId, Nodes, Props};
use super::schema::{ReferenceNodes, Schema};
use super::{canonical, default_value};
use crate::error::{SchemaError, SchemaProblem};
use crate::json::{self, Reader, push_token};

/// How much of a text is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ParseMode {
    /// A schema being registered or tested: ASCII names, checked namespaces, checked field defaults.
    #[default]
    Strict,
    /// A schema looked up, stored or imported: names of any script in the main text, defaults as they are.
    Lax,
}

/// Bounds on what one parse may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the main and all referenced texts together. Default 4 MiB.
    pub text_bytes_max: usize,
    /// Nesting of JSON objects and arrays, in each text and in the text with everything spelt out. Default 500, which
    /// fits a thread stack of 2 MiB several times over; raise it only together with the stack.
    pub depth_max: usize,
    /// Types in all texts together. Default 200,000.
    pub nodes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { text_bytes_max: 4 << 20, depth_max: 500, nodes_max: 200_000 }
    }
}

/// How to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseOptions {
    /// What to check.
    pub mode: ParseMode,
    /// What to allow.
    pub limits: Limits,
}

pub(super) fn parse(text: &str, references: &[&str], options: &ParseOptions) -> Result<Schema, SchemaError> {
    let limits = &options.limits;
    let bytes = references.iter().fold(text.len(), |sum, reference| sum.saturating_add(reference.len()));
    if bytes > limits.text_bytes_max {
        return Err(SchemaError::TooLong { bytes, max: limits.text_bytes_max });
    }
    let mut parser = Parser::new(*options);
    let mut reference_names = HashSet::new();
    let mut reference_nodes = Vec::with_capacity(references.len());
    for (index, reference) in references.iter().enumerate() {
        let root = parser.text(reference, Some(index))?;
        let end = u32::try_from(parser.nodes.0.len()).unwrap_or(u32::MAX);
        reference_nodes.push(ReferenceNodes { root, end });
        if let Some(name) = parser.nodes.get(root).name() {
            reference_names.insert(name.full().to_owned());
        }
    }
    let root = parser.text(text, None)?;
    // what references define is spelt out in one text and not in the other: both must fit
    let mut deepest = printed_depth(&parser.nodes, root, &HashSet::new());
    if !reference_names.is_empty() {
        deepest = deepest.max(printed_depth(&parser.nodes, root, &reference_names));
    }
    if deepest > limits.depth_max {
        return Err(SchemaError::TooDeep { max: limits.depth_max, position: None });
    }
    Ok(Schema::from_parts(parser.nodes, root, reference_names, reference_nodes.into_boxed_slice()))
}

/// Bytes of all full names, definitions, aliases and references: inheriting a namespace multiplies its length.
const NAME_BYTES_MAX: usize = 64 << 20;

/// Steps of paths that one parse keeps for problems found later; past them a problem has no path.
const SAVED_STEPS_MAX: usize = 500_000;

/// A step of the path into the text.
#[derive(Debug, Clone, Copy)]
enum Step {
    Key(&'static str),
    Index(usize),
}

impl Step {
    fn token(self) -> String {
        match self {
            Self::Key(key) => key.to_owned(),
            Self::Index(index) => index.to_string(),
        }
    }
}

/// Why parsing stopped; the parser's path says where.
enum Fault {
    Problem(Box<SchemaProblem>),
    TooManyNodes,
    NamesTooLong,
}

impl From<SchemaProblem> for Fault {
    fn from(problem: SchemaProblem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// A name used before its definition: a placeholder node to be replaced.
struct Pending {
    full: String,
    path: Vec<Step>,
}

/// A second definition of a name, legal when equal to the first.
struct Redefinition {
    first: NodeId,
    second: NodeId,
    path: Vec<Step>,
}

/// A default to be checked once all names are known.
struct DefaultToCheck {
    record: NodeId,
    field: usize,
    path: Vec<Step>,
}

struct Parser {
    options: ParseOptions,
    nodes: Nodes,
    names: HashMap<String, NodeId>,
    pending: HashMap<NodeId, Pending>,
    redefinitions: Vec<Redefinition>,
    defaults: Vec<DefaultToCheck>,
    /// Where the parser is; left as it is when a fault is raised.
    path: Vec<Step>,
    /// Where within the value at the path: keys of a default.
    inside: Vec<String>,
    in_reference: bool,
    saved_steps_left: usize,
    name_bytes_left: usize,
    /// Records whose fields are being read, outermost first.
    open: Vec<(NodeId, Name)>,
}

impl Parser {
    fn new(options: ParseOptions) -> Self {
        Self {
            options,
            nodes: Nodes::default(),
            names: HashMap::new(),
            pending: HashMap::new(),
            redefinitions: Vec::new(),
            defaults: Vec::new(),
            path: Vec::new(),
            inside: Vec::new(),
            in_reference: false,
            saved_steps_left: SAVED_STEPS_MAX,
            name_bytes_left: NAME_BYTES_MAX,
            open: Vec::new(),
        }
    }

    /// Parses one text to the end: names resolved, redefinitions and defaults checked.
    fn text(&mut self, text: &str, reference: Option<usize>) -> Result<NodeId, SchemaError> {
        let depth_max = self.options.limits.depth_max;
        let document = Reader::new(text, depth_max).document().map_err(|error| {
            let position = json::position_of(text, error.offset);
            if error.too_deep {
                return SchemaError::TooDeep { max: depth_max, position: Some(position) };
            }
            SchemaError::Json { message: error.message, path: error.pointer, position, reference }
        })?;
        self.in_reference = reference.is_some();
        self.path.clear();
        self.value(&document, "")
            .and_then(|root| self.finish(root))
            .map_err(|fault| self.error(fault, text, reference))
    }

    fn finish(&mut self, root: NodeId) -> Result<NodeId, Fault> {
        let root = self.resolve_pending(root)?;
        self.check_redefinitions()?;
        for check in std::mem::take(&mut self.defaults) {
            self.check_default(check)?;
        }
        Ok(root)
    }

    fn check_default(&mut self, check: DefaultToCheck) -> Result<(), Fault> {
        let Node::Record(record) = self.nodes.get(check.record) else { return Ok(()) };
        let Some(field) = record.fields.get(check.field) else { return Ok(()) };
        let Some(default) = &field.default else { return Ok(()) };
        if default_value::is_valid(&self.nodes, field.schema, default) {
            return Ok(());
        }
        let schema =
            if printed_depth(&self.nodes, field.schema, &HashSet::new()) > self.options.limits.depth_max {
                self.nodes.get(field.schema).kind().as_str().to_owned()
            } else {
                shortened(canonical::print(&self.nodes, field.schema, &HashSet::new()))
            };
        let problem = SchemaProblem::InvalidDefault {
            field: field.name.clone(),
            default: shortened(json::to_text(default)),
            schema,
        };
        // a path that was too long to keep stays unknown
        if !check.path.is_empty() {
            self.inside = default_value::refused_part(&self.nodes, field.schema, default);
        }
        self.path = check.path;
        Err(problem.into())
    }

    fn error(&self, fault: Fault, text: &str, reference: Option<usize>) -> SchemaError {
        match fault {
            Fault::TooManyNodes => SchemaError::TooManyNodes { max: self.options.limits.nodes_max },
            Fault::NamesTooLong => SchemaError::NamesTooLong { max: NAME_BYTES_MAX },
            Fault::Problem(problem) => {
                let steps = self.path.iter().map(|step| step.token());
                let tokens: Vec<String> = steps.chain(self.inside.iter().cloned()).collect();
                let offset = json::locate(text, &tokens, self.options.limits.depth_max);
                let mut path = String::new();
                for token in &tokens {
                    push_token(&mut path, token);
                }
                let position = json::position_of(text, offset);
                SchemaError::Schema { problem, path, position, reference }
            }
        }
    }

    fn push(&mut self, node: Node) -> Result<NodeId, Fault> {
        let index = self.nodes.0.len();
        if index >= self.options.limits.nodes_max {
            return Err(Fault::TooManyNodes);
        }
        self.nodes.0.push(node);
        Ok(NodeId(u32::try_from(index).map_err(|_| Fault::TooManyNodes)?))
    }

    fn placeholder(&mut self) -> Result<NodeId, Fault> {
        self.push(Node::Null(Props::default()))
    }

    #[expect(clippy::indexing_slicing, reason = "the id was made by push")]
    fn fill(&mut self, id: NodeId, node: Node) {
        self.nodes.0[id.index()] = node;
    }

    /// Moves on to a member that is there but not what it should be; a missing one leaves the path at the object.
    fn step_into(&mut self, object: &Map<String, Value>, key: &'static str) {
        if object.contains_key(key) {
            self.path.push(Step::Key(key));
        }
    }

    /// Runs `inner` one step further down the path. After a fault the path stays where it was.
    fn at<T>(
        &mut self,
        steps: &[Step],
        inner: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let length = self.path.len();
        self.path.extend_from_slice(steps);
        let done = inner(self)?;
        self.path.truncate(length);
        Ok(done)
    }

    /// Accounts for a full name about to be made: at most the lengths of its parts and a dot.
    fn spend_name(&mut self, namespace: &str, simple: &str) -> Result<(), Fault> {
        let left = self.name_bytes_left.checked_sub(namespace.len() + simple.len() + 1);
        self.name_bytes_left = left.ok_or(Fault::NamesTooLong)?;
        Ok(())
    }

    /// The path extended by `steps`, for a problem that only shows later.
    fn save_path(&mut self, steps: &[Step]) -> Vec<Step> {
        let length = self.path.len() + steps.len();
        match self.saved_steps_left.checked_sub(length) {
            None => Vec::new(),
            Some(left) => {
                self.saved_steps_left = left;
                self.path.iter().chain(steps).copied().collect()
            }
        }
    }

    fn kind(&self, id: NodeId) -> Kind {
        if self.pending.contains_key(&id) { Kind::Record } else { self.nodes.get(id).kind() }
    }
}

/// The JSON of a refused value, cut so that a message stays readable.
fn shortened(mut text: String) -> String {
    const CHARACTERS_MAX: usize = 2_000;
    if let Some((end, _)) = text.char_indices().nth(CHARACTERS_MAX) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests;
