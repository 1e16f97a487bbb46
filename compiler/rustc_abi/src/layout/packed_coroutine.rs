//! Has saved locals of a coroutine share their places.
//!
//! [`coroutine::layout`] has two locals share bytes if each is saved in one variant only, another
//! one for each. A local that is saved in several has bytes that nothing else ever gets. So the
//! more suspension points a body has, the less it shares, and one that has taken in what it awaits
//! may be larger than it was with these as fields, each of which lies in one variant.
//!
//! Here each local may share its bytes with all that it does not conflict with: those whose storage
//! is never needed at the same time as its own. The upvars and the tag share with nothing. Locals
//! are placed one after the other, the largest first, at the lowest offset that is free of what
//! they conflict with. If there are gaps then, the one that ends last is placed before the others,
//! and so on.
//!
//! That is no stronger a claim than the one that [`coroutine::layout`] relies on: two locals in
//! different variants overlap there exactly because they do not conflict. Nor does a local ever
//! move: it has one offset, in all the variants that have it. Which of the two layouts a coroutine
//! has is recorded with its body, so that all crates agree on it. Of both it is the smaller one;
//! the place that is first found is not always the best.
//! (`tests/ui/async-await/packed-coroutines/sizes.rs`)

use std::ops::Range;

use rustc_index::bit_set::BitMatrix;
use rustc_index::{Idx, IndexSlice, IndexVec};
use tracing::debug;

use super::coroutine;
use crate::{
    BackendRepr, FieldsShape, HasDataLayout, Integer, LayoutData, Primitive, ReprOptions, Scalar,
    Size, StructKind, Variants, WrappingRange,
};

/// How many orders are tried, with the same one to begin with.
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
    let Variants::Multiple { tag, ref mut variants, .. } = layout.variants else {
        return Ok(layout);
    };

    prefix_layouts.push(tag_to_layout(tag));
    let prefix =
        calc.univariant(&prefix_layouts, &ReprOptions::default(), StructKind::AlwaysSized)?;
    let FieldsShape::Arbitrary { offsets: prefix_offsets, .. } = &prefix.fields else {
        unreachable!("a struct has fields");
    };
    let prefix_bytes: Vec<_> = std::iter::zip(prefix_offsets, &prefix_layouts)
        .map(|(&offset, field)| offset..offset + field.size)
        .collect();

    let mut conflicts = storage_conflicts.clone();
    for fields in variant_fields {
        for &local in fields {
            for &other in fields {
                conflicts.insert(local, other);
            }
        }
    }
    let mut by_size: Vec<_> = local_layouts.indices().collect();
    by_size.sort_by_key(|&local| std::cmp::Reverse(local_layouts[local].size));
    let mut by_alignment = by_size.clone();
    by_alignment.sort_by_key(|&local| std::cmp::Reverse(local_layouts[local].align.abi));

    // No layout is smaller than what one of the variants has in it.
    let in_variant =
        variant_fields.iter().map(|fields| fields.iter().map(|&local| local_layouts[local].size));
    let sum = |sum: u64, size: Size| sum.saturating_add(size.bytes());
    let largest = in_variant.map(|sizes| sizes.fold(0, sum)).max().unwrap_or(0);
    let least = prefix_layouts.iter().map(|field| field.size).fold(largest, sum);
    let bound = Size::from_bytes(calc.cx.data_layout().obj_size_bound());
    if least >= bound.bytes() {
        return unpacked;
    }
    let least = Size::from_bytes(least).align_to(layout.align.abi);

    let (mut offsets, mut size) = (IndexVec::new(), Size::from_bytes(u64::MAX));
    'orders: for mut order in [by_size, by_alignment] {
        for _ in 0..ORDERS_LIMIT {
            let Some((placed, end)) =
                place(&order, local_layouts, &prefix_bytes, &conflicts, bound)
            else {
                return unpacked;
            };
            let last = order.iter().rposition(|&local| {
                end == placed[local] + local_layouts[local].size
                    && local_layouts[local].size > Size::ZERO
            });
            let end = end.align_to(layout.align.abi);
            if end < size {
                (offsets, size) = (placed, end);
            }
            // What ends last may have found a gap, had it come first.
            match last {
                Some(last) if last > 0 && size > least => order[..=last].rotate_right(1),
                _ if size > least => break,
                _ => break 'orders,
            }
        }
    }
    debug!(?size, ?least, unpacked = ?layout.size);
    if unpacked.is_ok() && size >= layout.size {
        return unpacked;
    }
    if size >= bound {
        return unpacked;
    }
    layout.size = size;
    layout.fields = prefix.fields.clone();
    for (variant, fields) in std::iter::zip(variants, variant_fields) {
        let offsets: IndexVec<FieldIdx, Size> =
            fields.iter().map(|&local| offsets[local]).collect();
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

/// The offset of each local, if they are placed in this order, and where the last one ends. `None`
/// if that is not within the bound.
fn place<'a, F, VariantIdx: Idx, FieldIdx: Idx, LocalIdx: Idx>(
    order: &[LocalIdx],
    local_layouts: &IndexSlice<LocalIdx, F>,
    prefix_bytes: &[Range<Size>],
    conflicts: &BitMatrix<LocalIdx, LocalIdx>,
    bound: Size,
) -> Option<(IndexVec<LocalIdx, Size>, Size)>
where
    F: core::ops::Deref<Target = &'a LayoutData<FieldIdx, VariantIdx>>,
    FieldIdx: 'a,
    VariantIdx: 'a,
{
    let mut offsets = IndexVec::from_elem(Size::ZERO, local_layouts);
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
        if end >= bound {
            return None;
        }
    }
    Some((offsets, end))
}
