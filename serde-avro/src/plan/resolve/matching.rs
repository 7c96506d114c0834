//! Which branch of a reader's union takes a value that is no union for the writer.

use assay_schema_core::avro::{Node, NodeId};

use super::super::error::PlanError;
use super::super::names::simple;
use super::super::program::{Op, word};
use super::{Pair, Resolver};

impl Resolver<'_, '_, '_> {
    /// Java's choice: the same type (named types by full name), then the first record that fits by structure with the
    /// last of equal simple name before it, then the first promotion.
    pub(super) fn matching_branch(&mut self, pair: Pair) -> Result<Option<u32>, PlanError> {
        let ((_, w), (rs, r)) = self.nodes(pair);
        let Node::Union { branches, .. } = rs.node(r) else { return Ok(None) };
        let wire = self.wire(pair);
        let name = self.writer_name(pair);
        let mut structural = None;
        for (index, branch) in (0u32..).zip(branches) {
            let view = self.reader.op(*branch);
            if word(view) != word(wire) {
                continue;
            }
            let (Some(name), Some(target)) = (&name, self.tables.named(view).cloned()) else {
                return Ok(Some(index));
            };
            if *target.full == **name {
                return Ok(Some(index));
            }
            if matches!(wire, Op::Record(_))
                && (structural.is_none() || target.simple() == simple(name))
                && self.fits(Pair::Both(w, *branch))?
            {
                structural = Some(index);
            }
        }
        if structural.is_some() {
            return Ok(structural);
        }
        let promoted = branches.iter().position(|branch| promotes(wire, self.reader.op(*branch)));
        Ok(promoted.and_then(|i| u32::try_from(i).ok()))
    }

    fn writer_name(&self, pair: Pair) -> Option<String> {
        let ((ws, w), _) = self.nodes(pair);
        Some(match ws.node(w) {
            Node::Record(node) => self.renames.type_name(&node.name),
            Node::Enum(node) => self.renames.type_name(&node.name),
            Node::Fixed(node) => self.renames.type_name(&node.name),
            _ => return None,
        })
    }

    /// Whether a writer's record has the reader's fields, each of a type that matches on its own level. As in Java,
    /// what lies inside the fields does not count.
    fn fits(&mut self, pair: Pair) -> Result<bool, PlanError> {
        if self.missing_default(pair)?.is_some() {
            return Ok(false);
        }
        let ((ws, w), (rs, r)) = self.nodes(pair);
        let (Node::Record(from), Node::Record(to)) = (ws.node(w), rs.node(r)) else { return Ok(false) };
        let names = self.field_names(pair)?;
        for (field, name) in from.fields.iter().zip(&names) {
            let target = to.fields.iter().find(|f| f.name.as_str() == name);
            if let Some(target) = target
                && !self.fits_shallowly(field.schema, target.schema)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fits_shallowly(&self, writer: NodeId, reader: NodeId) -> Result<bool, PlanError> {
        let (wire, view) = (self.writer.op(writer), self.reader.op(reader));
        Ok(match (wire, view) {
            (Op::Union(_), _) => true,
            (_, Op::Union(i)) => {
                let fits = |branch: &Op| word(*branch) == word(wire) || promotes(wire, *branch);
                self.tables.union(i).branches.iter().any(fits)
            }
            (Op::Record(_), Op::Record(_)) => self.missing_default(Pair::Both(writer, reader))?.is_none(),
            (Op::Fixed(a), Op::Fixed(b)) => {
                let (a, b) = (self.tables.fixed(a), self.tables.fixed(b));
                a.name.simple() == b.name.simple() && a.size == b.size
            }
            (Op::Enum(a), Op::Enum(b)) => {
                self.tables.enumeration(a).name.simple() == self.tables.enumeration(b).name.simple()
            }
            _ => word(wire) == word(view) || promotes(wire, view),
        })
    }
}

/// Whether values of one primitive type are read as another.
pub(super) fn promotes(wire: Op, view: Op) -> bool {
    matches!(
        (word(wire), word(view)),
        ("int", "long" | "float" | "double")
            | ("long", "float" | "double")
            | ("float", "double")
            | ("bytes", "string")
            | ("string", "bytes")
    )
}
