// A program that does without `core` needs no lang items for the flag that it does not need without
// it: it may have marked no variant of `Poll`.

//@ check-pass
//@ edition: 2024
//@ revisions: yes no at_all_levels
//@ compile-flags: -Copt-level=3 -Cpanic=abort
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[at_all_levels] compile-flags: -Zasync-returned-panic=no-at-all-levels

#![feature(no_core, lang_items, rustc_attrs, arbitrary_self_types, auto_traits)]
#![no_core]
#![crate_type = "lib"]
#![allow(async_fn_in_trait, internal_features, unused)]

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
pub trait Sized: MetaSized {}
#[lang = "copy"]
pub trait Copy {}
#[lang = "freeze"]
pub unsafe auto trait Freeze {}
#[lang = "unpin"]
pub auto trait Unpin {}
#[lang = "unsafe_unpin"]
pub unsafe auto trait UnsafeUnpin {}

impl Copy for u32 {}
impl Copy for bool {}
impl<T: PointeeSized> Copy for &T {}
impl<T: PointeeSized> Copy for *mut T {}

#[lang = "legacy_receiver"]
pub trait LegacyReceiver {}
#[lang = "receiver"]
pub trait Receiver {
    #[lang = "receiver_target"]
    type Target: PointeeSized;
}
#[lang = "deref"]
pub trait Deref {
    #[lang = "deref_target"]
    type Target: PointeeSized;
}
impl<T: PointeeSized> Deref for &T {
    type Target = T;
}
impl<T: PointeeSized> Deref for &mut T {
    type Target = T;
}
impl<P: Deref<Target = T>, T: PointeeSized> Receiver for P {
    type Target = T;
}
impl<T: PointeeSized> LegacyReceiver for &mut T {}

#[lang = "pin"]
pub struct Pin<P> {
    pub pointer: P,
}
impl<P: Deref> Deref for Pin<P> {
    type Target = P::Target;
}
impl<P: LegacyReceiver> LegacyReceiver for Pin<P> {}

#[lang = "Poll"]
pub enum Poll<T> {
    Ready(T),
    Pending,
}
#[lang = "Context"]
pub struct Context<'a> {
    field: &'a u32,
}
#[lang = "ResumeTy"]
pub struct ResumeTy(*mut u32);
#[lang = "get_context"]
pub unsafe fn get_context<'a, 'b>(context: ResumeTy) -> &'a mut Context<'b> {
    loop {}
}
#[lang = "future_trait"]
pub trait Future {
    #[lang = "future_output"]
    type Output;
    #[lang = "poll"]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output>;
}
#[lang = "coroutine"]
pub trait Coroutine<R> {
    #[lang = "coroutine_yield"]
    type Yield;
    #[lang = "coroutine_return"]
    type Return;
    #[lang = "coroutine_resume"]
    fn resume(self: Pin<&mut Self>, resumed: R) -> u32;
}
#[lang = "drop"]
pub trait Drop {
    fn drop(&mut self);
}
#[lang = "async_drop"]
pub trait AsyncDrop {
    async fn drop(self: Pin<&mut Self>);
}
#[lang = "drop_in_place"]
unsafe fn drop_in_place<T: PointeeSized>(value: *mut T) {
    loop {}
}
#[lang = "panic_const_async_fn_resumed"]
fn resumed() -> ! {
    loop {}
}

pub async fn number(number: u32) -> u32 {
    number
}
