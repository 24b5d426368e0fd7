// The interpreter of system-call programs, AArch64. See ../program.ts for the format of a program.
// Reads a program from descriptor 3 to PROGRAM, then executes it, one 64-byte instruction after the other.
// x19: the instruction.
.set PROGRAM, 0x10000000
.globl _start
_start:
        sub     sp, sp, #32
        mov     x0, #3                  // read(3, sp, 8): the length
        mov     x1, sp
        mov     x2, #8
        mov     x8, #63
        svc     #0
        cmp     x0, #8
        b.ne    die
        ldr     x20, [sp]
        mov     x0, #PROGRAM            // mmap(PROGRAM, length, READ|WRITE, PRIVATE|FIXED|ANONYMOUS, -1, 0)
        mov     x1, x20
        mov     x2, #3
        mov     x3, #0x32
        mov     x4, #-1
        mov     x5, #0
        mov     x8, #222
        svc     #0
        mov     x19, #PROGRAM
        cmp     x0, x19
        b.ne    die
        mov     x21, x19
fill:   mov     x0, #3                  // read(3, x21, x20) until all is here
        mov     x1, x21
        mov     x2, x20
        mov     x8, #63
        svc     #0
        cmp     x0, #0
        b.le    die
        add     x21, x21, x0
        subs    x20, x20, x0
        b.ne    fill
next:   ldr     w9, [x19, #4]           // the six arguments: a value, or the address of one
        ldp     x0, x1, [x19, #8]
        ldp     x2, x3, [x19, #24]
        ldp     x4, x5, [x19, #40]
        tbz     w9, #0, v0
        ldr     x0, [x0]
v0:     tbz     w9, #1, v1
        ldr     x1, [x1]
v1:     tbz     w9, #2, v2
        ldr     x2, [x2]
v2:     tbz     w9, #3, v3
        ldr     x3, [x3]
v3:     tbz     w9, #4, v4
        ldr     x4, [x4]
v4:     tbz     w9, #5, v5
        ldr     x5, [x5]
v5:     ldr     w8, [x19]
        tbnz    w8, #31, pseudo
        svc     #0
        ldr     w9, [x19, #60]          // where the result goes
        cbz     w9, result
        str     x0, [x9]
result: cmn     x0, #4095
        b.hs    failed
step:   add     x19, x19, #64
        b       next
failed: ldr     w9, [x19, #56]          // where to go on after a failure; 0: report it and end
        cbz     w9, abort
        mov     x19, x9
        b       next
pseudo: and     w8, w8, #0xff
        cmp     w8, #1
        b.eq    equal
        cmp     w8, #2
        b.eq    both
        sub     x0, x0, x1              // 3: dst = a - b
        b       keep
both:   and     x0, x0, x1              // 2: dst = a & b
keep:   ldr     w9, [x19, #60]
        str     x0, [x9]
        b       step
equal:  cmp     x0, x1                  // 1: go to c if a == b
        b.ne    step
        mov     x19, x2
        b       next
abort:  mov     x9, #PROGRAM            // write(3, {1, offset, result}, 16)
        sub     x19, x19, x9
        mov     w9, #1
        stp     w9, w19, [sp]
        str     x0, [sp, #8]
        mov     x0, #3
        mov     x1, sp
        mov     x2, #16
        mov     x8, #64
        svc     #0
die:    mov     x0, #1
        mov     x8, #94                 // exit_group(1)
        svc     #0
