//! Counts how often the code of this crate names a function.
//!
//! If a function is named once, and no other crate can name it, then as a rule it is called at one
//! place. A function pointer is the exception. That is read off the HIR, before there are types.
//! HIR does not say whose method is called, so methods are counted by their name: two methods of
//! one name count as named twice.
//!
//! No type and no MIR is requested. The size of a future may be the length of an array, so what
//! says which bodies are inlined may be needed to check a type.
//!
//! This takes one walk through the crate, the first time that somebody asks.

use rustc_data_structures::unord::UnordMap;
use rustc_hir::def::{DefKind, Res};
use rustc_hir::def_id::LocalDefId;
use rustc_hir::intravisit::{self, Visitor};
use rustc_hir::{Expr, ExprKind, QPath};
use rustc_middle::hir::nested_filter::OnlyBodies;
use rustc_middle::query::Providers;
use rustc_middle::ty::TyCtxt;
use rustc_session::config::CrateType;
use rustc_span::Symbol;

pub(super) fn provide(providers: &mut Providers) {
    providers.is_named_once = is_named_once;
    providers.functions_named = |tcx, ()| counts(tcx).functions;
    providers.methods_named = |tcx, ()| counts(tcx).methods;
}

/// Whether the function of `def_id` is named at no more than one place, in any crate. Returns
/// `false` for the methods of traits, which may be called by code that does not name them.
fn is_named_once(tcx: TyCtxt<'_>, def_id: LocalDefId) -> bool {
    // Other crates can name what is public. None can name anything of an executable.
    let is_executable =
        tcx.crate_types().iter().all(|&crate_type| crate_type == CrateType::Executable);
    if tcx.local_visibility(def_id).is_public() && !is_executable {
        return false;
    }
    let count = match tcx.def_kind(def_id) {
        DefKind::Fn => tcx.functions_named(()).get(&def_id),
        DefKind::AssocFn if tcx.inherent_impl_of_assoc(def_id.to_def_id()).is_some() => {
            tcx.methods_named(()).get(&tcx.item_name(def_id.to_def_id()))
        }
        _ => return false,
    };
    // It may be named by nothing at all: by generated code, or by nobody.
    count.is_none_or(|&count| count <= 1)
}

#[derive(Default)]
struct Counts {
    functions: UnordMap<LocalDefId, usize>,
    methods: UnordMap<Symbol, usize>,
}

fn counts(tcx: TyCtxt<'_>) -> Counts {
    let mut counter = Counter { tcx, counts: Counts::default() };
    tcx.hir_visit_all_item_likes_in_crate(&mut counter);
    counter.counts
}

struct Counter<'tcx> {
    tcx: TyCtxt<'tcx>,
    counts: Counts,
}

impl<'tcx> Visitor<'tcx> for Counter<'tcx> {
    type NestedFilter = OnlyBodies;

    fn maybe_tcx(&mut self) -> TyCtxt<'tcx> {
        self.tcx
    }

    // To name a function without calling it counts, too.
    fn visit_expr(&mut self, expr: &'tcx Expr<'tcx>) {
        let method = match expr.kind {
            // `value.method()` and `Type::method`: of which type is not known yet.
            ExprKind::MethodCall(segment, ..) => Some(segment.ident.name),
            ExprKind::Path(QPath::TypeRelative(_, segment)) => Some(segment.ident.name),
            ExprKind::Path(QPath::Resolved(_, path)) => match path.res {
                Res::Def(DefKind::Fn, def_id) => {
                    if let Some(def_id) = def_id.as_local() {
                        *self.counts.functions.entry(def_id).or_default() += 1;
                    }
                    None
                }
                // `<Type as Trait>::method`.
                Res::Def(DefKind::AssocFn, def_id) => Some(self.tcx.item_name(def_id)),
                _ => None,
            },
            _ => None,
        };
        if let Some(name) = method {
            *self.counts.methods.entry(name).or_default() += 1;
        }
        intravisit::walk_expr(self, expr);
    }
}
