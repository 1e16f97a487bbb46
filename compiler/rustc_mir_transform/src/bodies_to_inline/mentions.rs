//! Finds the functions of this crate that it names once, and where.
//!
//! If a function is named once, and no other crate can name it, then as a rule it is called at one
//! place. A function pointer is the exception. That is read off the HIR, before there are types.
//! HIR does not say whose method is called, so methods are counted by their name: two methods of
//! one name count as named twice.
//!
//! No type and no MIR is requested. The size of a future may be the length of an array, so what
//! says which bodies are inlined may be needed to check a type.
//!
//! This takes two walks through the crate, one for functions and one for methods, each the first
//! time that somebody asks.

use std::hash::Hash;

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
    providers.named_once_in = named_once_in;
    // Two queries: in an incremental build, naming another method changes nothing for functions.
    providers.functions_named = |tcx, ()| mentions(tcx).functions;
    providers.methods_named = |tcx, ()| mentions(tcx).methods;
}

/// The item in which the function of `def_id` is named, if it is named at one place only, in any
/// crate. `None` for the methods of traits, which may be called by code that does not name them.
fn named_once_in(tcx: TyCtxt<'_>, def_id: LocalDefId) -> Option<LocalDefId> {
    // Other crates can name what is public. None can name anything of an executable.
    let is_executable =
        tcx.crate_types().iter().all(|&crate_type| crate_type == CrateType::Executable);
    if tcx.local_visibility(def_id).is_public() && !is_executable {
        return None;
    }
    let named_in = match tcx.def_kind(def_id) {
        DefKind::Fn => tcx.functions_named(()).get(&def_id),
        DefKind::AssocFn if tcx.inherent_impl_of_assoc(def_id.to_def_id()).is_some() => {
            tcx.methods_named(()).get(&tcx.item_name(def_id.to_def_id()))
        }
        _ => None,
    };
    named_in.copied().flatten()
}

/// What is named, and in which item, if at one place only.
#[derive(Default)]
struct Mentions {
    functions: UnordMap<LocalDefId, Option<LocalDefId>>,
    methods: UnordMap<Symbol, Option<LocalDefId>>,
}

fn mentions(tcx: TyCtxt<'_>) -> Mentions {
    let mut collector = Collector { tcx, mentions: Mentions::default() };
    tcx.hir_visit_all_item_likes_in_crate(&mut collector);
    collector.mentions
}

struct Collector<'tcx> {
    tcx: TyCtxt<'tcx>,
    mentions: Mentions,
}

impl<'tcx> Visitor<'tcx> for Collector<'tcx> {
    type NestedFilter = OnlyBodies;

    fn maybe_tcx(&mut self) -> TyCtxt<'tcx> {
        self.tcx
    }

    // To name a function without calling it counts, too.
    fn visit_expr(&mut self, expr: &'tcx Expr<'tcx>) {
        // A closure or an async block is part of the item in which it is written.
        let item = expr.hir_id.owner.def_id;
        let method = match expr.kind {
            // `value.method()` and `Type::method`: of which type is not known yet.
            ExprKind::MethodCall(segment, ..) => Some(segment.ident.name),
            ExprKind::Path(QPath::TypeRelative(_, segment)) => Some(segment.ident.name),
            ExprKind::Path(QPath::Resolved(_, path)) => match path.res {
                Res::Def(DefKind::Fn, def_id) => {
                    if let Some(def_id) = def_id.as_local() {
                        add(&mut self.mentions.functions, def_id, item);
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
            add(&mut self.mentions.methods, name, item);
        }
        intravisit::walk_expr(self, expr);
    }
}

/// Adds that `name` is named in `item`. A second time it is not named at one place only.
fn add<K: Eq + Hash>(mentions: &mut UnordMap<K, Option<LocalDefId>>, name: K, item: LocalDefId) {
    mentions.entry(name).and_modify(|named_in| *named_in = None).or_insert(Some(item));
}
