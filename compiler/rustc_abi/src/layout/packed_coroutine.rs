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
//! needed at the same time as its own. The upvars and the tag overlap with nothing. Locals are
//! placed one after the other, the largest first, at the lowest offset that is free of what they
//! conflict with. If that leaves gaps, the local that ends last is placed before the others, and so
//! on, [`ORDERS_LIMIT`] times.
//!
//! The same is tried with the locals in the order of their alignment, and in that of how many
//! variants save them. The latter is roughly how fields of nested coroutines would be laid out, so
//! a body seldom grows when its awaitees are inlined. Of all results the smallest is used, if it is
//! smaller than the layout of the base.
//!
//! For `n` saved locals that takes time in proportion to `n * n * log n`, at most 24 times, and
//! once to the pairs of locals in each variant.
//!
//! # Soundness
//!
//! The layout of the base relies on the same facts: two locals in different variants overlap there
//! because they do not conflict. No local ever moves: it has one offset, in all the variants that
//! contain it. Which kind of layout a coroutine has is recorded with its body, so all crates agree
//! on it.
//!
//! # Left for later
//!
//! * The first place that is free is not always the best one, so a layout may be larger than it
//!   needs to be, though never larger than that of the base.
//!   (`tests/ui/async-await/packed-coroutines/sizes.rs`)

use std::cmp::Reverse;
use std::ops::Range;

use rustc_index::bit_set::BitMatrix;
use rustc_index::{Idx, IndexSlice, IndexVec};
use tracing::debug;

use super::coroutine;
use crate::{
    Align, BackendRepr, FieldsShape, HasDataLayout, Integer, LayoutData, Primitive, ReprOptions,
    Scalar, Size, StructKind, Variants, WrappingRange,
};

/// How many times the locals are placed, for each of the three initial orders.
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
    let Variants::Multiple { tag, ref mut variants, .. } = layout.variants else {
        return Ok(layout);
    };

    // As in the layout of the base: the upvars and the tag are a struct, and never move.
    prefix_layouts.push(tag_to_layout(tag));
    let prefix =
        calc.univariant(&prefix_layouts, &ReprOptions::default(), StructKind::AlwaysSized)?;
    let FieldsShape::Arbitrary { offsets: prefix_offsets, .. } = &prefix.fields else {
        unreachable!("a struct has fields");
    };
    let packer = Packer {
        local_layouts,
        variant_fields,
        prefix_bytes: std::iter::zip(prefix_offsets, &prefix_layouts)
            .map(|(&offset, field)| offset..offset + field.size)
            .collect(),
        conflicts: conflicts(variant_fields, storage_conflicts),
        align: layout.align.abi,
        bound: Size::from_bytes(calc.cx.data_layout().obj_size_bound()),
    };
    let Some((offsets, size)) = packer.pack() else { return unpacked };
    debug!(?size, unpacked = ?layout.size);
    // It is no better than the layout of the base.
    if size >= packer.bound || unpacked.is_ok() && size >= layout.size {
        return unpacked;
    }
    layout.size = size;
    layout.fields = prefix.fields.clone();
    for (variant, fields) in std::iter::zip(variants, variant_fields) {
        let offsets: IndexVec<_, Size> = fields.iter().map(|&local| offsets[local]).collect();
        let ends = std::iter::zip(&offsets, fields)
            .map(|(&offset, &local)| offset + local_layouts[local].size);
        let end = ends.chain([prefix.size]).max().unwrap_or(prefix.size);
        let mut in_memory_order: IndexVec<u32, FieldIdx> = fields.indices().collect();
        in_memory_order.raw.sort_by_key(|&field| offsets[field]);
        // The prefix may be larger than all that is, for its alignment.
        variant.size = end.align_to(variant.align.abi).min(size);
        variant.fields = FieldsShape::Arbitrary { offsets, in_memory_order };
        variant.backend_repr = BackendRepr::Memory { sized: true };
        variant.largest_niche = None;
    }
    Ok(layout)
}

/// Which locals may not overlap: those that conflict by their storage, and those of one variant.
fn conflicts<VariantIdx: Idx, FieldIdx: Idx, LocalIdx: Idx>(
    variant_fields: &IndexSlice<VariantIdx, IndexVec<FieldIdx, LocalIdx>>,
    storage_conflicts: &BitMatrix<LocalIdx, LocalIdx>,
) -> BitMatrix<LocalIdx, LocalIdx> {
    let mut conflicts = storage_conflicts.clone();
    for fields in variant_fields {
        for &local in fields {
            for &other in fields {
                conflicts.insert(local, other);
            }
        }
    }
    conflicts
}

/// What the places of the locals depend on.
struct Packer<'b, F, VariantIdx: Idx, FieldIdx: Idx, LocalIdx: Idx> {
    local_layouts: &'b IndexSlice<LocalIdx, F>,
    variant_fields: &'b IndexSlice<VariantIdx, IndexVec<FieldIdx, LocalIdx>>,
    /// Where the upvars and the tag are.
    prefix_bytes: Vec<Range<Size>>,
    conflicts: BitMatrix<LocalIdx, LocalIdx>,
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
    /// The best offsets that are found, and the size of the coroutine with them. `None` if it would
    /// be too large in one of the orders that are tried.
    fn pack(&self) -> Option<(IndexVec<LocalIdx, Size>, Size)> {
        let least = self.least()?;
        let (mut offsets, mut size) = (IndexVec::new(), Size::from_bytes(u64::MAX));
        for mut order in self.orders() {
            for _ in 0..ORDERS_LIMIT {
                let (placed, end) = self.place(&order)?;
                let last = order.iter().rposition(|&local| {
                    end == placed[local] + self.local_layouts[local].size
                        && self.local_layouts[local].size > Size::ZERO
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

    /// What no layout is smaller than: the prefix, and the largest variant without any gap. `None`
    /// if that is too large.
    fn least(&self) -> Option<Size> {
        let sum = |sum: u64, size: Size| sum.saturating_add(size.bytes());
        let of_variant = |fields: &IndexVec<FieldIdx, LocalIdx>| {
            fields.iter().map(|&local| self.local_layouts[local].size).fold(0, sum)
        };
        let largest = self.variant_fields.iter().map(of_variant).max().unwrap_or(0);
        let prefix = self.prefix_bytes.iter().map(|bytes| bytes.end - bytes.start);
        let least = prefix.fold(largest, sum);
        (least < self.bound.bytes()).then(|| Size::from_bytes(least).align_to(self.align))
    }

    /// The orders to begin with.
    fn orders(&self) -> [Vec<LocalIdx>; 3] {
        let mut variants_of = IndexVec::from_elem(0_usize, self.local_layouts);
        for &local in self.variant_fields.iter().flatten() {
            variants_of[local] += 1;
        }
        let mut by_size: Vec<_> = self.local_layouts.indices().collect();
        by_size.sort_by_key(|&local| Reverse(self.local_layouts[local].size));
        let mut by_alignment = by_size.clone();
        by_alignment.sort_by_key(|&local| Reverse(self.local_layouts[local].align.abi));
        let mut by_variants = by_size.clone();
        by_variants.sort_by_key(|&local| Reverse(variants_of[local]));
        [by_size, by_alignment, by_variants]
    }

    /// The offset of each local, if they are placed in this order, and where the last one ends.
    /// `None` if that is not within the bound.
    fn place(&self, order: &[LocalIdx]) -> Option<(IndexVec<LocalIdx, Size>, Size)> {
        let Packer { local_layouts, prefix_bytes, conflicts, bound, .. } = self;
        let mut offsets = IndexVec::from_elem(Size::ZERO, *local_layouts);
        let mut end = prefix_bytes.iter().map(|bytes| bytes.end).max().unwrap_or(Size::ZERO);
        for (index, &local) in order.iter().enumerate() {
            let (size, align) = (local_layouts[local].size, local_layouts[local].align.abi);
            let mut taken = prefix_bytes.to_vec();
            taken.extend(
                order[..index]
                    .iter()
                    .filter(|&&other| {
                        conflicts.contains(local, other) || conflicts.contains(other, local)
                    })
                    .map(|&other| offsets[other]..offsets[other] + local_layouts[other].size),
            );
            // In the order of their bytes, the first gap that is large enough is found in one pass.
            taken.retain(|bytes| !bytes.is_empty());
            taken.sort_by_key(|bytes| bytes.start);
            let mut offset = Size::ZERO;
            for bytes in taken {
                if size > Size::ZERO && offset + size > bytes.start {
                    offset = offset.max(bytes.end.align_to(align));
                }
            }
            offsets[local] = offset;
            end = end.max(offset + size);
            if end >= *bound {
                return None;
            }
        }
        Some((offsets, end))
    }
}
