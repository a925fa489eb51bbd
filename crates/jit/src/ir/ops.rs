//! The IR table: every operation with its operands, its result and its effects. The enum, the printer, the parser and
//! the verifier are derived from it; lowering and the passes match on the enum without wildcards about facts.
//!
//! Types: `val` a tagged word, `int` a machine int (any 64-bit value), `float` a double, `bool` a truth value, `word` an
//! address or size. A row: `/// doc`, `text = Name (operand types) -> result, effects;` where `*` stands for any number of
//! operands and `_` for a type that the instruction itself says.
//!
//! Effects:
//! - `pure`: depends on the operands alone;
//! - `guard`: leaves through its frame state where it does not hold; otherwise pure;
//! - `reads`, `writes`: memory of the instruction's alias class (see [`Alias`]);
//! - `allocates`: may collect, has no other visible effect;
//! - `calls`: does what its helper's row says;
//! - `ends`: ends a block.

/// Type of an IR value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Type {
    /// No value.
    Void,
    /// Tagged word.
    Val,
    /// Machine int.
    Int,
    /// Double.
    Float,
    /// Truth value.
    Bool,
    /// Address or size.
    Word,
}

impl Type {
    /// All types with their texts.
    pub const ALL: &'static [(Type, &'static str)] = &[
        (Type::Void, "void"),
        (Type::Val, "val"),
        (Type::Int, "int"),
        (Type::Float, "float"),
        (Type::Bool, "bool"),
        (Type::Word, "word"),
    ];

    /// Its text.
    pub fn text(self) -> &'static str {
        Type::ALL.iter().find(|(t, _)| *t == self).map_or("?", |(_, s)| s)
    }
}

/// Classes of memory that do not overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Alias {
    /// Memory that never changes once an object can be seen: tuple items, heap floats, range bounds.
    Fixed,
    /// Type words.
    Class,
    /// Shape words of instances.
    Shape,
    /// Attribute slots of instances.
    Slot,
    /// Sizes of lists.
    ListSize,
    /// Item pointers of lists.
    ListItems,
    /// Items of lists.
    Item,
    /// Machine numbers in buffers.
    Raw,
    /// Contents of cells.
    Cell,
    /// Tables and versions of dicts.
    Dict,
    /// State of iterators.
    Iter,
    /// The frame's registers.
    Reg,
    /// The context and frames.
    Cx,
}

impl Alias {
    /// All classes.
    pub const ALL: &'static [Alias] = &[
        Alias::Fixed,
        Alias::Class,
        Alias::Shape,
        Alias::Slot,
        Alias::ListSize,
        Alias::ListItems,
        Alias::Item,
        Alias::Raw,
        Alias::Cell,
        Alias::Dict,
        Alias::Iter,
        Alias::Reg,
        Alias::Cx,
    ];
}

/// What executing an operation may do besides computing its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing.
    Pure,
    /// Leaves if it does not hold.
    Guard,
    /// Reads its alias class.
    Reads,
    /// Writes its alias class.
    Writes,
    /// Allocates.
    Allocates,
    /// What the helper does.
    Calls,
    /// Ends the block.
    Ends,
}

/// Static facts about an operation.
#[derive(Debug)]
pub struct OpInfo {
    /// Text form.
    pub text: &'static str,
    /// Operand types; None for any number.
    pub operands: Option<&'static [Type]>,
    /// Result type; None if the instruction says.
    pub result: Option<Type>,
    /// Effects.
    pub effect: Effect,
    /// Has an immediate.
    pub imm: bool,
}

/// Calls `$m! { rows }` with the table.
macro_rules! for_each_ir_op {
    ($m:ident) => {
        $m! {
            /// A parameter of its block.
            param = Param () -> _, pure;
            /// The argument of a typed entry for register `imm`.
            argument = Argument () -> _, pure, imm;
            /// The int `imm`.
            const_int = ConstInt () -> Int, pure, imm;
            /// The double with the bits `imm`.
            const_float = ConstFloat () -> Float, pure, imm;
            /// The value with the word `imm`; 0 is an unbound register.
            const_val = ConstVal () -> Val, pure, imm;
            /// False or true.
            const_bool = ConstBool () -> Bool, pure, imm;
            /// The word `imm`.
            const_word = ConstWord () -> Word, pure, imm;
            /// What register `imm` of the window holds on entry.
            load_reg = LoadReg () -> Val, reads, imm;
            /// Register `imm` of the window becomes `a`.
            store_reg = StoreReg (Val) -> Void, writes, imm;

            /// `a + b`; leaves on overflow.
            add_ov = AddOv (Int, Int) -> Int, guard;
            /// `a - b`; leaves on overflow.
            sub_ov = SubOv (Int, Int) -> Int, guard;
            /// `a * b`; leaves on overflow.
            mul_ov = MulOv (Int, Int) -> Int, guard;
            /// `a + b` modulo 2^64.
            add = Add (Int, Int) -> Int, pure;
            /// `a - b` modulo 2^64.
            sub = Sub (Int, Int) -> Int, pure;
            /// `a * b` modulo 2^64.
            mul = Mul (Int, Int) -> Int, pure;
            /// `a // b`; leaves if `b` is 0 or the quotient does not fit.
            floor_div = FloorDiv (Int, Int) -> Int, guard;
            /// `a % b`; leaves if `b` is 0 or -1.
            floor_mod = FloorMod (Int, Int) -> Int, guard;
            /// `a // 2^imm` or `a % 2^imm` are shifts and masks; this is `a // imm` for a constant above 0.
            div_const = DivConst (Int) -> Int, pure, imm;
            /// `a % imm` for a constant above 0.
            mod_const = ModConst (Int) -> Int, pure, imm;
            /// `a & b`.
            and = And (Int, Int) -> Int, pure;
            /// `a | b`.
            or = Or (Int, Int) -> Int, pure;
            /// `a ^ b`.
            xor = Xor (Int, Int) -> Int, pure;
            /// `a << b`; leaves if `b` is not in 0..=62 or bits are lost.
            shl_ov = ShlOv (Int, Int) -> Int, guard;
            /// `a << b` modulo 2^64, `b` in 0..=63.
            shl = Shl (Int, Int) -> Int, pure;
            /// `a >> b`; leaves if `b` is negative.
            shr = Shr (Int, Int) -> Int, guard;
            /// `a >> b` without sign, `b` in 0..=63.
            ushr = UShr (Int, Int) -> Int, pure;
            /// The lower 32 bits of `a`, rotated to the right by `imm` in 1..=31, as a number without sign.
            rotr32 = Rotr32 (Int) -> Int, pure, imm;
            /// The int compare number `imm` (see `Cond`).
            icmp = ICmp (Int, Int) -> Bool, pure, imm;
            /// `a < b` as unsigned words.
            ult = ULt (Int, Int) -> Bool, pure;

            /// `a + b`.
            fadd = FAdd (Float, Float) -> Float, pure;
            /// `a - b`.
            fsub = FSub (Float, Float) -> Float, pure;
            /// `a * b`.
            fmul = FMul (Float, Float) -> Float, pure;
            /// `a / b`; leaves if `b` is 0.
            fdiv = FDiv (Float, Float) -> Float, guard;
            /// `-a`.
            fneg = FNeg (Float) -> Float, pure;
            /// `abs(a)`.
            fabs = FAbs (Float) -> Float, pure;
            /// Square root; leaves if `a` is negative.
            fsqrt = FSqrt (Float) -> Float, guard;
            /// The float compare number `imm` (see `Cond`).
            fcmp = FCmp (Float, Float) -> Bool, pure, imm;
            /// Compares `hypot(a, b)` with the constant `c` under condition number `imm`; leaves if it is not finite.
            size_cmp = SizeCmp (Float, Float, Float) -> Bool, guard, imm;
            /// The double nearest to an int.
            int_to_float = IntToFloat (Int) -> Float, pure;
            /// `int(a)`; leaves unless `abs(a) < 2^62`.
            float_to_int = FloatToInt (Float) -> Int, guard;

            /// The int 0 or 1.
            bool_to_int = BoolToInt (Bool) -> Int, pure;
            /// `a or b`.
            bool_or = BoolOr (Bool, Bool) -> Bool, pure;
            /// `a and b`.
            bool_and = BoolAnd (Bool, Bool) -> Bool, pure;
            /// `not a`.
            bool_not = BoolNot (Bool) -> Bool, pure;
            /// Whether two machine words are equal.
            word_eq = WordEq (Word, Word) -> Bool, pure;
            /// Whether two words are equal.
            val_eq = ValEq (Val, Val) -> Bool, pure;
            /// `a is b`, where heap ints and floats are compared by value.
            is = Is (Val, Val) -> Bool, pure;
            /// Whether the value is the constant `imm`.
            is_const = IsConst (Val) -> Bool, pure, imm;
            /// The address of the type of an object in the heap or a static one, 0 for ints, floats and words that are none.
            class_word = ClassWord (Val) -> Word, pure;
            /// Whether the value's type is exactly the one at `imm`.
            is_class = IsClass (Val) -> Bool, pure, imm;

            /// The value of an int. May allocate.
            box_int = BoxInt (Int) -> Val, pure;
            /// The value of the int in 0..2^64 with these bits. May allocate.
            box_word = BoxWord (Int) -> Val, pure;
            /// The str of one code point. May allocate.
            box_char = BoxChar (Int) -> Val, pure;
            /// Code point `b`, which exists, of the str `a`.
            str_unit = StrUnit (Val, Int) -> Int, reads, imm;
            /// Whether the str is the one ASCII character `imm`.
            str_is = StrIs (Val) -> Bool, pure, imm;
            /// The bits of an int in 0..2^64; leaves for other values.
            guard_bits = GuardBits (Val) -> Int, guard;
            /// The value of a double. May allocate.
            box_float = BoxFloat (Float) -> Val, pure;
            /// The complex number with the parts `a` and `b`. May allocate.
            box_complex = BoxComplex (Float, Float) -> Val, pure;
            /// The value of the number `b` where `a` holds, else 0, an unbound register. May allocate.
            maybe = Maybe (Bool, _) -> Val, pure;
            /// The value of a truth value.
            box_bool = BoxBool (Bool) -> Val, pure;
            /// The int in a small int; leaves for other values.
            guard_int = GuardInt (Val) -> Int, guard;
            /// The double in an exact float; leaves for other values.
            guard_float = GuardFloat (Val) -> Float, guard;
            /// The double in a float or small int; leaves for other values.
            guard_number = GuardNumber (Val) -> Float, guard;
            /// The double that equals a float or small int; leaves for other values and where there is none.
            guard_exact = GuardExact (Val) -> Float, guard;
            /// The int in a small int, which it is.
            untag_int = UntagInt (Val) -> Int, pure;
            /// Whether the value is a small int.
            is_small = IsSmall (Val) -> Bool, pure;
            /// The truth value in a bool; leaves for other values.
            guard_bool = GuardBool (Val) -> Bool, guard;
            /// The same value, whose type is exactly the one at `imm`; leaves for others.
            guard_class = GuardClass (Val) -> Val, guard, imm;
        /// The same value, known to be of exactly the type at `imm`.
        assume_class = AssumeClass (Val) -> Val, pure, imm;
        /// The same value, which is the constant `imm`; leaves for others.
            guard_const = GuardConst (Val) -> Val, guard, imm;
            /// The same value, which is not 0; leaves for 0.
            guard_bound = GuardBound (Val) -> Val, guard;
            /// Leaves if the condition does not hold.
            guard = Guard (Bool) -> Void, guard;
            /// Leaves to where the program goes on if the condition does not hold. Never for another reason: elsewhere it goes on
            /// differently.
            guard_branch = GuardBranch (Bool) -> Void, guard;
            /// Leaves unless the word is `imm`.
            guard_word = GuardWord (Word) -> Void, guard, imm;
            /// Leaves if the answer of an operation of `crate::plain` is that it did nothing. Never for another reason: what has been
            /// done must not be done again.
            guard_plain = GuardPlain (_) -> Void, guard;
            /// Leaves unless 0 <= a < b.
            guard_index = GuardIndex (Int, Int) -> Void, guard;

            /// The word at `a + imm`.
            load = Load (Val) -> _, reads, imm;
            /// The word at `a + imm` becomes `b`.
            store = Store (Val, _) -> Void, writes, imm;
            /// The value at `a + 8 * b`.
            load_index = LoadIndex (Word, Int) -> Val, reads;
            /// The value at `a + 8 * b` becomes `c`.
            store_index = StoreIndex (Word, Int, Val) -> Void, writes;
            /// Value `imm` words behind a tuple's start of items, and the like: `a[imm]` of fixed memory at `a + 8 * b + imm`.
            load_index_at = LoadIndexAt (Val, Int) -> Val, reads, imm;
            /// Item `b`, which exists, of the list `a` of whatever kind.
            list_item = ListItem (Val, Int) -> Val, reads;
            /// The machine number number `b` at `a` + low 32 bits of `imm`; its kind is in the bits above.
            load_raw = LoadRaw (Val, Int) -> _, reads, imm;
            /// The machine number number `b` at `a` + low 32 bits of `imm` becomes `c`, which fits.
            store_raw = StoreRaw (Val, Int, _) -> Void, writes, imm;
            /// The word at the fixed address `imm`.
            load_static = LoadStatic () -> _, reads, imm;
            /// The word at the address `imm` becomes `a`.
            store_static = StoreStatic (Val) -> Void, writes, imm;
            /// Tells the collector that `b` was stored into the object `a`, which certainly lies in the heap if `imm` is 1.
            barrier = Barrier (Val, Val) -> Void, writes, imm;
            /// Tells the collector that `b` was stored into the buffer with these items.
            barrier_items = BarrierItems (Word, Val) -> Void, writes;
            /// A new object: `imm` = size in bytes << 48 | address of its type. The rest is 0.
            alloc = Alloc () -> Val, allocates, imm;

            /// `b` where `a` holds, else `c`.
            select = Select (Bool, Int, Int) -> Int, pure;
            /// `b` where `a` holds, else `c`.
            select_val = SelectVal (Bool, Val, Val) -> Val, pure;
            /// `b` where `a` holds, else `c`.
            select_word = SelectWord (Bool, Word, Word) -> Word, pure;
            /// `b` where `a` holds, else `c`.
            select_float = SelectFloat (Bool, Float, Float) -> Float, pure;
            /// The address `a + imm`.
            address = Address (Val) -> Word, pure, imm;
            /// Appends `b` to the list `a`, which is known to hold words if `imm` is odd.
            list_append = ListAppend (Val, Val) -> Void, writes, imm;
            /// Appends the float `b` to the list `a`.
            list_append_double = ListAppendDouble (Val, Float) -> Void, writes;
            /// Makes room in the list `a` for `b` more items, a number without sign; for fewer if that is many.
            list_reserve = ListReserve (Val, Int) -> Void, writes;
            /// Where the items of the list `a`, which holds words, are; there is room for one behind its first `b`. Leaves where there is none.
            list_room = ListRoom (Val, Int) -> Word, guard;
            /// Leaves unless lists of doubles may hold the double (see `runtime/src/types/list.rs`).
            guard_double = GuardDouble (Float) -> Void, guard, imm;
            /// A new instance with the operands as attributes; number `imm` of the function's descriptions.
            new_instance = NewInstance * -> Val, allocates, imm;
            /// A new tuple of the operands.
            new_tuple = NewTuple * -> Val, allocates;
            /// A new slice object of start, stop and step.
            new_slice = NewSlice (Val, Val, Val) -> Val, allocates;
            /// The built-in method `a` (a `MethodDescr`) bound to `b`.
            new_method = NewMethod (Val, Val) -> Val, allocates;
            /// A new iterator with the operands as fields; `imm`: number of an `IteratorKind`.
            new_iterator = NewIterator * -> Val, allocates, imm;
            /// A new function of the code `a` with the globals `b`, and, if there is a third operand, that closure.
            new_function = NewFunction * -> Val, allocates;
            /// The traceback of the exception `a`, or None.
            traceback_of = TracebackOf (Val) -> Val, allocates;
            /// A new exception; number `imm` of the function's descriptions says what the operands are.
            new_exception = NewException * -> Val, allocates, imm;
            /// The exception that is the first operand, raised; described as new ones are.
            raised = Raised * -> Val, allocates, imm;
            /// The generator that a call of the generator function `a` gives; the other operands are its parameters.
            new_generator = NewGenerator * -> Val, calls;
            /// The generator that a call of the generator function `a` gave, suspended; number `imm` of the function's descriptions
            /// says where it goes on, and which of its registers the other operands are.
            suspended = Suspended * -> Val, allocates, imm;
            /// What the entry frame handled before it began to handle the exception that the frame state names. Only exits have it.
            handled_before = HandledBefore () -> Val, pure;
            /// A new list of the items of the list `a` from `b` to `c` in steps of `d`, each of which is a small int or None.
            copy_items = CopyItems (Val, Val, Val, Val) -> Val, allocates;
            /// The same; made by exits only, in front of which nothing writes to the list.
            copy_items_late = CopyItemsLate (Val, Val, Val, Val) -> Val, allocates;
            /// A new list of the operands.
            new_list = NewList * -> Val, allocates;
            /// A new dict of the operands under the names in the tuple at `imm`.
            new_dict = NewDict * -> Val, allocates, imm;
            /// The address of register `imm`.
            reg_address = RegAddress () -> Word, pure, imm;
            /// The frame's pc becomes `imm`.
            store_pc = StorePc () -> Void, writes, imm;
            /// Leaves unless the frame's globals are the dict at `imm`.
        check_globals = CheckGlobals () -> Void, guard, imm;
        /// Leaves if what the code relies on has changed.
            check_valid = CheckValid () -> Void, guard;

            /// Calls helper `imm`.
            call = Call * -> _, calls, imm;
            /// The concatenation of strs.
            join_strs = JoinStrs * -> Val, calls;
            /// Calls the built-in function or method at the low 48 bits of `imm`, unless its arguments might run Python code; the bits
            /// above say what they must be.
            call_plain = CallPlain * -> Val, calls, imm;
            /// Calls the Python function `a`, which has the code of the function at the low 48 bits of `imm`; the callee's window
            /// begins at the register in the high bits and holds the arguments.
            py_call = PyCall (Val) -> Val, calls, imm;
            /// As `py_call`, with the arguments as further operands: for a typed entry of the function, if that has code.
            typed_call = TypedCall * -> Val, calls, imm;
            /// The int, of up to 64 bits, that the call `a` returned.
            result_int = ResultInt (Val) -> Int, guard;
            /// The double that the call `a` returned.
            result_float = ResultFloat (Val) -> Float, guard;
            /// Leaves if something wants the thread's attention.
            check_interrupt = CheckInterrupt () -> Void, guard;
            /// As `check_interrupt`, if the lowest six bits of `a` are 0.
            check_seldom = CheckSeldom (Int) -> Void, guard;

            /// Goes on at the only target.
            jump = Jump () -> Void, ends;
            /// Goes on at the first target if `a` holds, else at the second.
            branch = Branch (Bool) -> Void, ends;
            /// Gives `a` to whoever resumed the generator frame, which is suspended with the pc `imm`; leaves where the interpreter resumed
            /// it.
            yield_ = Yield (Val) -> Void, ends, imm;
            /// Returns from the generator frame to whoever resumed it; leaves where the interpreter did.
            finish = Finish (Val) -> Void, ends;
            /// Returns `a` from the frame; from typed entries numbers, too.
            ret = Return * -> Void, ends;
            /// Leaves.
            exit = Exit () -> Void, ends;
        }
    };
}

macro_rules! define {
    (@operands *) => { None };
    (@operands ($($t:tt),*)) => { Some(&[$(define!(@type $t)),*]) };
    (@type _) => { Type::Void };
    (@type $t:ident) => { Type::$t };
    (@result _) => { None };
    (@result $t:ident) => { Some(Type::$t) };
    (@effect pure) => { Effect::Pure };
    (@effect guard) => { Effect::Guard };
    (@effect reads) => { Effect::Reads };
    (@effect writes) => { Effect::Writes };
    (@effect allocates) => { Effect::Allocates };
    (@effect calls) => { Effect::Calls };
    (@effect ends) => { Effect::Ends };
    (@imm) => { false };
    (@imm imm) => { true };
    ($( $(#[doc = $doc:literal])+ $text:ident = $name:ident $operands:tt -> $result:tt, $effect:ident $(, $imm:ident)?; )*) => {
        /// An IR operation; see the table.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Op { $( $(#[doc = $doc])+ $name, )* }
        impl Op {
            /// All operations.
            pub const ALL: &'static [Op] = &[ $(Op::$name),* ];
            const INFOS: &'static [OpInfo] = &[ $( OpInfo {
                text: stringify!($text),
                operands: define!(@operands $operands),
                result: define!(@result $result),
                effect: define!(@effect $effect),
                imm: define!(@imm $($imm)?),
            }, )* ];
            /// The static facts about this operation.
            pub fn info(self) -> &'static OpInfo { &Self::INFOS[self as usize] }
            /// The operation with this text.
            pub fn from_text(text: &str) -> Option<Op> {
                Self::ALL.iter().copied().find(|op| op.info().text == text)
            }
        }
    };
}
for_each_ir_op!(define);

impl Op {
    /// Whether its result is an object that exits make of the operands, if nobody else needs it.
    pub fn is_made_by_exits(self) -> bool {
        matches!(
            self,
            Op::NewTuple
                | Op::NewSlice
                | Op::NewMethod
                | Op::NewDict
                | Op::CopyItemsLate
                | Op::NewInstance
                | Op::NewException
                | Op::Raised
                | Op::NewFunction
                | Op::NewIterator
                | Op::Suspended
                | Op::TracebackOf
        )
    }
}

/// Conditions of `icmp` and `fcmp`, the immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Cond {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Cond {
    /// All conditions.
    pub const ALL: &'static [Cond] = &[Cond::Lt, Cond::Le, Cond::Eq, Cond::Ne, Cond::Gt, Cond::Ge];

    /// The condition of an immediate.
    pub fn from_imm(imm: u64) -> Cond {
        Cond::ALL[imm as usize % 6]
    }

    /// Whether it holds between two ordered things.
    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Cond::Lt => a < b,
            Cond::Le => a <= b,
            Cond::Eq => a == b,
            Cond::Ne => a != b,
            Cond::Gt => a > b,
            Cond::Ge => a >= b,
        }
    }
}
