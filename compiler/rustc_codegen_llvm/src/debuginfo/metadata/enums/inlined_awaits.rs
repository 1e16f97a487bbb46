//! Shows where a coroutine waits that awaits other coroutines inlined in it.
//!
//! An await saves its awaitee in the variable `__awaitee`, so that a debugger which prints a
//! suspended future prints the chain of futures that it waits for. An awaitee that is inlined is
//! not saved: only its variables are. So the type that describes the state gets a field `__awaitee`
//! all the same, whose type has the name of the awaitee and its variables, and a field `__awaitee`
//! of its own if it awaits another:
//!
//! ```text
//! outer::{async_fn_env#0}::Suspend0 {
//!     argument: 1,
//!     __awaitee: inner::{async_fn_env#0} at main.rs:12 {
//!         variable: 2,
//!     },
//! }
//! ```
//!
//! The line is where that awaitee waits. The fields have the offsets that they have in the
//! coroutine, so each of these types starts where the coroutine does.
//!
//! For each state this takes a walk through the variables that the body has for a debugger.

use rustc_abi::{FieldIdx, Size, VariantIdx};
use rustc_codegen_ssa::debuginfo::type_names::compute_debuginfo_type_name;
use rustc_middle::mir::{Body, CoroutineLayout, SourceScope};
use rustc_middle::ty::layout::TyAndLayout;
use rustc_middle::ty::{self, EarlyBinder, Instance, InstanceKind, Ty, TypingEnv};
use rustc_span::Span;

use super::super::type_map::{self, Stub, UniqueTypeId};
use super::super::{SmallVec, build_field_di_node, size_and_align_of};
use crate::common::CodegenCx;
use crate::debuginfo::utils::get_namespace_for_item;
use crate::llvm::debuginfo::{DIFlags, DIType};

/// What is inlined at the suspension point of a state.
pub(super) struct InlinedAwaits<'tcx> {
    /// Where the coroutine itself waits.
    pub(super) span: Span,
    variant: VariantIdx,
    coroutine: TyAndLayout<'tcx>,
    /// The awaitees that are inlined there, each in the one before it.
    awaitees: Vec<Awaitee<'tcx>>,
    /// How many of them each field of the state is in.
    depths: Vec<usize>,
}

/// An awaitee that is inlined.
struct Awaitee<'tcx> {
    ty: Ty<'tcx>,
    /// Where it waits.
    span: Span,
}

impl<'tcx> InlinedAwaits<'tcx> {
    /// What is inlined where `coroutine` is suspended in the state `variant`.
    pub(super) fn new(
        cx: &CodegenCx<'_, 'tcx>,
        coroutine: TyAndLayout<'tcx>,
        layout: &CoroutineLayout<'tcx>,
        variant: VariantIdx,
    ) -> Self {
        let info = layout.variant_source_info[variant];
        let mut awaits =
            InlinedAwaits { span: info.span, variant, coroutine, awaitees: vec![], depths: vec![] };
        let &ty::Coroutine(def_id, args) = coroutine.ty.kind() else { return awaits };
        let def_id = cx.tcx.coroutine_body_def_id(def_id, args);
        // Where these passes are off nothing is inlined, and the body is not needed.
        if layout.upvar_conflicts.is_none() || !cx.tcx.is_mir_available(def_id) {
            return awaits;
        }
        let instance = Instance { def: InstanceKind::Item(def_id), args };
        let body = cx.tcx.instance_mir(instance.def);
        let scopes = inlined_scopes(body, info.scope);
        if scopes.is_empty() {
            return awaits;
        }
        for &scope in scopes.iter().rev() {
            let data = &body.source_scopes[scope];
            let Some((awaitee, call)) = data.inlined else { continue };
            let typing_env = TypingEnv::fully_monomorphized();
            let awaitee = instance.instantiate_mir_and_normalize_erasing_regions(
                cx.tcx,
                typing_env,
                EarlyBinder::bind(awaitee),
            );
            let ty = awaitee.ty(cx.tcx, typing_env);
            awaits.awaitees.insert(0, Awaitee { ty, span: awaits.span });
            awaits.span = call;
        }
        let variables = body.saved_variables(cx.tcx, layout);
        awaits.depths = layout.variant_fields[variant]
            .iter()
            .map(|local| {
                let of_local = &layout.field_tys[*local].source_info;
                let info = variables.get(local).unwrap_or(of_local);
                let of_field = inlined_scopes(body, info.scope);
                of_field.iter().zip(&scopes).take_while(|(one, other)| one == other).count()
            })
            .collect();
        awaits
    }

    /// Whether the field is a variable of the coroutine itself.
    pub(super) fn is_own(&self, field: usize) -> bool {
        self.depths.get(field).is_none_or(|&depth| depth == 0)
    }

    /// The field with what is inlined, if anything is. `build_field` makes one of the fields of the
    /// state in the type that it is given.
    pub(super) fn build_awaitee<'ll>(
        &self,
        cx: &CodegenCx<'ll, 'tcx>,
        owner: &'ll DIType,
        build_field: &dyn Fn(&'ll DIType, FieldIdx) -> &'ll DIType,
    ) -> Option<&'ll DIType> {
        self.build_from(cx, 0, owner, build_field)
    }

    /// The same, from the awaitee with this index inwards.
    fn build_from<'ll>(
        &self,
        cx: &CodegenCx<'ll, 'tcx>,
        index: usize,
        owner: &'ll DIType,
        build_field: &dyn Fn(&'ll DIType, FieldIdx) -> &'ll DIType,
    ) -> Option<&'ll DIType> {
        let Awaitee { ty, span } = self.awaitees.get(index)?;
        let &ty::Coroutine(def_id, _) = ty.kind() else { return None };
        let location = cx.lookup_debug_loc(span.lo());
        let file = location.file.name.prefer_remapped_unconditionally().to_string();
        let file = file.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = compute_debuginfo_type_name(cx.tcx, *ty, false);
        // Where names are to look like C++, that of a coroutine says that it has variants.
        let name =
            name.strip_prefix("enum2$<").and_then(|it| it.strip_suffix('>')).unwrap_or(&name);
        let name = format!("{name} at {file}:{}", location.line);
        let id = UniqueTypeId::for_inlined_awaitee(cx.tcx, self.coroutine.ty, self.variant, index);
        let place = size_and_align_of(self.coroutine);
        let scope = Some(get_namespace_for_item(cx, def_id));
        let stub =
            type_map::stub(cx, Stub::Struct, id, &name, None, place, scope, DIFlags::FlagZero);
        let node = type_map::build_type_with_children(
            cx,
            stub,
            |cx, node| {
                let depths = self.depths.iter().enumerate();
                depths
                    .filter(|&(_, &depth)| depth == index + 1)
                    .map(|(field, _)| build_field(node, FieldIdx::from_usize(field)))
                    .chain(self.build_from(cx, index + 1, node, build_field))
                    .collect()
            },
            |_| SmallVec::new(),
        );
        Some(build_field_di_node(
            cx,
            owner,
            "__awaitee",
            self.coroutine,
            Size::ZERO,
            DIFlags::FlagZero,
            node.di_node,
            None,
        ))
    }
}

/// The outermost scopes of the bodies that are inlined around `scope`, from the outside in.
fn inlined_scopes(body: &Body<'_>, scope: SourceScope) -> Vec<SourceScope> {
    let mut scopes = vec![];
    let mut around = Some(scope);
    while let Some(scope) = around {
        let Some(data) = body.source_scopes.get(scope) else { break };
        if data.inlined.is_some() {
            scopes.push(scope);
            around = data.parent_scope;
        } else {
            around = data.inlined_parent_scope;
        }
    }
    scopes.reverse();
    scopes
}
