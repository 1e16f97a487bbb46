//! Computes coroutine layouts in which saved locals share their places wherever they do not
//! conflict.
//!
//! # Motivation
//!
//! [`coroutine::layout`] lets two locals overlap if each is saved in one variant only, and these
//! variants differ. A local that is saved in several variants gets bytes that nothing else ever
//! gets. So the more suspension points a body has, the less it shares. A body that has inlined its
//! awaitees may be larger than it was with the awaitees as fields, each of which is in one variant.
//!
//! # The layout
//!
//! A local may overlap every local that it does not conflict with: those whose storage is never
//! needed at the same time as its own. It may also overlap the upvars that are not needed any more
//! once it is. Locals are placed one after the other, the largest first, at the lowest offset that
//! is free of what they conflict with. If that leaves gaps, the local that ends last is placed
//! before the others, and so on, [`ORDERS_LIMIT`] times.
//!
//! The same is tried with the locals in the order of their alignment, in that of how many variants
//! save them, and in that of how much they conflict with. The latter two are roughly how fields of
//! nested coroutines would be laid out, so a body seldom grows when its awaitees are inlined. Each
//! time the upvars and the tag are where they are in the default layout. If a local may overlap
//! an upvar, all four orders are tried once more with the upvars and the tag among the locals: the
//! tag may be in the way. Of all results the smallest is used, if it is smaller than the default
//! layout.
//!
//! For `n` saved locals and upvars that takes time in proportion to `n * n * log n`, at most 64
//! times. A row of conflicts is added for each local of each variant.
//!
//! # Soundness
//!
//! The [default layout][coroutine::layout] relies on the same facts: two locals in different
//! variants overlap there because they do not conflict. Where nothing needs an upvar any more is
//! found by the state transform, which argues why. No local ever moves: it has one offset, in all
//! the variants that contain it. Which kind of layout a coroutine has is recorded with its body, so
//! all crates agree on it.
//!
//! # Left for later
//!
//! * The first place that is free is not always the best one, so a layout may be larger than it
//!   needs to be, though never larger than the default one.
//!   (`tests/ui/async-await/packed-coroutines/sizes.rs`)

use std::cmp::Reverse;
use std::ops::Range;

use rustc_index::bit_set::{BitMatrix, DenseBitSet};
use rustc_index::{Idx, IndexSlice, IndexVec};
use tracing::debug;

use super::coroutine;
use crate::{
    Align, BackendRepr, FieldsShape, HasDataLayout, Integer, LayoutData, Primitive, ReprOptions,
    Scalar, Size, StructKind, Variants, WrappingRange,
};

/// How many times all is placed, for each of the initial orders.
const ORDERS_LIMIT: usize = 8;

/// The layout of a coroutine, with overlap wherever there is no conflict.
pub(super) fn layout<
    'a,
    F: core::ops::Deref<Target = &'a LayoutData<FieldIdx, VariantIdx>> + core::fmt::Debug + Copy,
    VariantIdx: Idx,
    FieldIdx: Idx,
    LocalIdx: Idx,
>(
    calc: &super::LayoutCalculator<impl HasDataLayout>,
    local_layouts: &IndexSlice<LocalIdx, F>,
    mut prefix_layouts: IndexVec<FieldIdx, F>,
    variant_fields: &IndexSlice<VariantIdx, IndexVec<FieldIdx, LocalIdx>>,
    storage_conflicts: &BitMatrix<LocalIdx, LocalIdx>,
    upvar_conflicts: &BitMatrix<FieldIdx, LocalIdx>,
    tag_to_layout: impl Fn(Scalar) -> F,
) -> super::LayoutCalculatorResult<FieldIdx, VariantIdx, F> {
    let layout_of = |locals: &IndexSlice<LocalIdx, F>| {
        let prefix = prefix_layouts.clone();
        coroutine::layout(calc, locals, prefix, variant_fields, storage_conflicts, &tag_to_layout)
    };
    let unpacked = layout_of(local_layouts);
    let mut layout = match &unpacked {
        Ok(layout) => layout.clone(),
        // It may not be too large if it is packed. Of locals of a byte each the rest is the same.
        Err(_) => {
            let valid_range = WrappingRange { start: 0, end: 0xFF };
            let value = Primitive::Int(Integer::I8, false);
            let byte = tag_to_layout(Scalar::Initialized { value, valid_range });
            let bytes = IndexVec::from_elem(byte, local_layouts);
            let mut layout = layout_of(&bytes)?;
            for local in local_layouts {
                layout.align = layout.align.max(local.align);
            }
            layout.unadjusted_abi_align = layout.align.abi;
            layout
        }
    };
    // A coroutine with one variant saves nothing, and has no tag.
    let Variants::Multiple { tag, .. } = layout.variants else {
        return Ok(layout);
    };

    // In the default layout, the upvars and the tag are a struct.
    prefix_layouts.push(tag_to_layout(tag));
    let prefix =
        calc.univariant(&prefix_layouts, &ReprOptions::default(), StructKind::AlwaysSized)?;
    let FieldsShape::Arbitrary { offsets: prefix_offsets, .. } = &prefix.fields else {
        unreachable!("a struct has fields");
    };
    let packer = Packer {
        layouts: local_layouts.iter().chain(&prefix_layouts).copied().collect(),
        locals: local_layouts.len(),
        prefix_offsets: prefix_offsets.raw.clone(),
        variant_fields,
        conflicts: conflicts(variant_fields, storage_conflicts, local_layouts.len()),
        upvar_conflicts,
        align: layout.align.abi,
        bound: Size::from_bytes(calc.cx.data_layout().obj_size_bound()),
    };
    let Some((offsets, size)) = packer.pack() else { return unpacked };
    debug!(?size, unpacked = ?layout.size);
    // It is no better than the default layout.
    if size >= packer.bound || unpacked.is_ok() && size >= layout.size {
        return unpacked;
    }
    packer.apply(&mut layout, &offsets, size);
    Ok(layout)
}

/// Fields with these offsets.
fn arbitrary<FieldIdx: Idx>(offsets: IndexVec<FieldIdx, Size>) -> FieldsShape<FieldIdx> {
    let mut in_memory_order: IndexVec<u32, FieldIdx> = offsets.indices().collect();
    in_memory_order.raw.sort_by_key(|&field| offsets[field]);
    FieldsShape::Arbitrary { offsets, in_memory_order }
}

/// Which locals may not overlap: those that conflict by their storage, and those of one variant.
fn conflicts<VariantIdx: Idx, FieldIdx: Idx, LocalIdx: Idx>(
    variant_fields: &IndexSlice<VariantIdx, IndexVec<FieldIdx, LocalIdx>>,
    storage_conflicts: &BitMatrix<LocalIdx, LocalIdx>,
    locals: usize,
) -> BitMatrix<LocalIdx, LocalIdx> {
    let mut conflicts = storage_conflicts.clone();
    for fields in variant_fields {
        let mut of_variant = DenseBitSet::new_empty(locals);
        for &local in fields {
            of_variant.insert(local);
        }
        for &local in fields {
            conflicts.union_row_with(&of_variant, local);
        }
    }
    conflicts
}

/// What the places depend on. Each thing that has one is known by its number: first come the
/// locals, then the upvars, and last the tag.
struct Packer<'b, F, VariantIdx: Idx, FieldIdx: Idx, LocalIdx: Idx> {
    layouts: Vec<F>,
    /// How many of these are locals.
    locals: usize,
    /// Where the upvars and the tag are in the default layout.
    prefix_offsets: Vec<Size>,
    variant_fields: &'b IndexSlice<VariantIdx, IndexVec<FieldIdx, LocalIdx>>,
    conflicts: BitMatrix<LocalIdx, LocalIdx>,
    /// By upvar, which locals may not overlap it.
    upvar_conflicts: &'b BitMatrix<FieldIdx, LocalIdx>,
    align: Align,
    /// What a type has to be smaller than.
    bound: Size,
}

impl<'a, F, VariantIdx, FieldIdx, LocalIdx> Packer<'_, F, VariantIdx, FieldIdx, LocalIdx>
where
    F: core::ops::Deref<Target = &'a LayoutData<FieldIdx, VariantIdx>>,
    FieldIdx: Idx + 'a,
    VariantIdx: Idx + 'a,
    LocalIdx: Idx,
{
    /// Makes `layout`, which has variants, use `offsets`. `size` is all that takes.
    fn apply(&self, layout: &mut LayoutData<FieldIdx, VariantIdx>, offsets: &[Size], size: Size) {
        let Variants::Multiple { variants, .. } = &mut layout.variants else {
            unreachable!("nothing is packed in a single variant");
        };
        let end = |it: usize| offsets[it] + self.layouts[it].size;
        let end_of_prefix = (self.locals..offsets.len()).map(end).max().unwrap_or(Size::ZERO);
        for (variant, fields) in std::iter::zip(variants, self.variant_fields) {
            let ends = fields.iter().map(|&local| end(local.index()));
            let last = ends.chain([end_of_prefix]).max().unwrap_or(end_of_prefix);
            // The prefix may be larger than all that is, for its alignment.
            variant.size = last.align_to(variant.align.abi).min(size);
            let of_fields = fields.iter().map(|&local| offsets[local.index()]);
            variant.fields = arbitrary(of_fields.collect());
            variant.backend_repr = BackendRepr::Memory { sized: true };
            variant.largest_niche = None;
        }
        layout.size = size;
        layout.fields = arbitrary(offsets[self.locals..].iter().copied().collect());
    }

    /// The best offsets that are found, and the size of the coroutine with them. `None` if it would
    /// be too large in one of the orders that are tried.
    fn pack(&self) -> Option<(Vec<Size>, Size)> {
        let least = self.least()?;
        let (mut offsets, mut size) = (vec![], Size::from_bytes(u64::MAX));
        for mut order in self.orders() {
            for _ in 0..ORDERS_LIMIT {
                let (placed, end) = self.place(&order)?;
                let last = order.iter().rposition(|&it| {
                    let own = self.layouts[it].size;
                    own > Size::ZERO && end == placed[it] + own
                });
                // The alignment fills up what is left, so the last byte may be free.
                let end = end.align_to(self.align);
                if end < size {
                    (offsets, size) = (placed, end);
                }
                // It cannot get better.
                if size <= least {
                    return Some((offsets, size));
                }
                // What ends last may have found a gap, had it come first.
                match last {
                    Some(last) if last > 0 => order[..=last].rotate_right(1),
                    _ => break,
                }
            }
        }
        Some((offsets, size))
    }

    /// What no layout is smaller than: the upvars, or the largest variant without any gap, and the
    /// tag. `None` if that is too large.
    fn least(&self) -> Option<Size> {
        let sum = |sum: u64, it: usize| sum.saturating_add(self.layouts[it].size.bytes());
        let of_variant = |fields: &IndexVec<FieldIdx, LocalIdx>| {
            fields.iter().map(|&local| local.index()).fold(0, sum)
        };
        let largest = self.variant_fields.iter().map(of_variant).max().unwrap_or(0);
        let tag = self.layouts.len() - 1;
        let least = sum((self.locals..tag).fold(0, sum).max(largest), tag);
        (least < self.bound.bytes()).then(|| Size::from_bytes(least).align_to(self.align))
    }

    /// The orders to begin with. What is not in one of them, the prefix, is where it is in the
    /// default layout.
    fn orders(&self) -> Vec<Vec<usize>> {
        let mut variants_of = vec![0_usize; self.layouts.len()];
        for &local in self.variant_fields.iter().flatten() {
            variants_of[local.index()] += 1;
        }
        let orders_of = |end: usize| {
            let mut by_size: Vec<_> = (0..end).collect();
            by_size.sort_by_key(|&it| Reverse(self.layouts[it].size));
            let mut by_alignment = by_size.clone();
            by_alignment.sort_by_key(|&it| Reverse(self.layouts[it].align.abi));
            let mut by_variants = by_size.clone();
            by_variants.sort_by_key(|&it| Reverse(variants_of[it]));
            let mut by_conflicts = by_size.clone();
            by_conflicts.sort_by_cached_key(|&it| {
                let others = (0..end).filter(|&other| self.conflict(it, other));
                let sizes = others.map(|other| self.layouts[other].size.bytes());
                Reverse(sizes.fold(0, u64::saturating_add))
            });
            [by_size, by_alignment, by_variants, by_conflicts]
        };
        let mut orders = orders_of(self.locals).to_vec();
        let tag = self.layouts.len() - 1;
        let may_overlap = |upvar| (0..self.locals).any(|local| !self.conflict(local, upvar));
        // Where the tag is in the way of what an upvar could overlap, another place is better.
        if (self.locals..tag).any(may_overlap) {
            orders.extend(orders_of(self.layouts.len()));
        }
        orders
    }

    /// Whether two things may not overlap.
    fn conflict(&self, one: usize, other: usize) -> bool {
        let (one, other) = (one.min(other), one.max(other));
        let of_prefix = |it: usize| it.checked_sub(self.locals);
        match (of_prefix(one), of_prefix(other)) {
            (None, None) => {
                let (one, other) = (LocalIdx::new(one), LocalIdx::new(other));
                self.conflicts.contains(one, other) || self.conflicts.contains(other, one)
            }
            (None, Some(upvar)) if other + 1 < self.layouts.len() => {
                self.upvar_conflicts.contains(FieldIdx::new(upvar), LocalIdx::new(one))
            }
            // The upvars are all there before the first poll, and the tag always.
            _ => true,
        }
    }

    /// The offset of each thing, if they are placed in this order, and where the last one ends.
    /// `None` if that is not within the bound.
    fn place(&self, order: &[usize]) -> Option<(Vec<Size>, Size)> {
        let mut offsets = vec![Size::ZERO; self.layouts.len()];
        let mut placed = vec![];
        if order.len() == self.locals {
            offsets[self.locals..].copy_from_slice(&self.prefix_offsets);
            placed.extend(self.locals..self.layouts.len());
        }
        let bytes_of =
            |offsets: &[Size], it: usize| offsets[it]..offsets[it] + self.layouts[it].size;
        let ends = placed.iter().map(|&it| bytes_of(&offsets, it).end);
        let mut end = ends.max().unwrap_or(Size::ZERO);
        for &it in order {
            let (size, align) = (self.layouts[it].size, self.layouts[it].align.abi);
            let others = placed.iter().filter(|&&other| self.conflict(it, other));
            let mut taken: Vec<Range<Size>> =
                others.map(|&other| bytes_of(&offsets, other)).collect();
            // In the order of their bytes, the first gap that is large enough is found in one pass.
            taken.retain(|bytes| !bytes.is_empty());
            taken.sort_by_key(|bytes| bytes.start);
            let mut offset = Size::ZERO;
            for bytes in taken {
                if size > Size::ZERO && offset + size > bytes.start {
                    offset = offset.max(bytes.end.align_to(align));
                }
            }
            offsets[it] = offset;
            placed.push(it);
            end = end.max(offset + size);
            if end >= self.bound {
                return None;
            }
        }
        Some((offsets, end))
    }
}
