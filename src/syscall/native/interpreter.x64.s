# The interpreter of system-call programs, x86-64. See ../program.ts for the format of a program.
# Reads a program from descriptor 3 to PROGRAM, then executes it, one 64-byte instruction after the other.
# rbx: the instruction; [rsp, rsp+48): its arguments.
.intel_syntax noprefix
.set PROGRAM, 0x10000000
.globl _start
_start:
        sub     rsp, 64
        mov     edi, 3                  # read(3, rsp, 8): the length
        mov     rsi, rsp
        mov     edx, 8
        xor     eax, eax
        syscall
        cmp     rax, 8
        jne     die
        mov     r12, [rsp]
        mov     edi, PROGRAM            # mmap(PROGRAM, length, READ|WRITE, PRIVATE|FIXED|ANONYMOUS, -1, 0)
        mov     rsi, r12
        mov     edx, 3
        mov     r10d, 0x32
        mov     r8, -1
        xor     r9d, r9d
        mov     eax, 9
        syscall
        mov     ebx, PROGRAM
        cmp     rax, rbx
        jne     die
        mov     r13, rbx
fill:   mov     edi, 3                  # read(3, r13, r12) until all is here
        mov     rsi, r13
        mov     rdx, r12
        xor     eax, eax
        syscall
        test    rax, rax
        jle     die
        add     r13, rax
        sub     r12, rax
        jnz     fill
next:   xor     ecx, ecx                # the six arguments: a value, or the address of one
arg:    mov     rax, [rbx+rcx*8+8]
        bt      dword ptr [rbx+4], ecx
        jnc     value
        mov     rax, [rax]
value:  mov     [rsp+rcx*8], rax
        inc     ecx
        cmp     ecx, 6
        jne     arg
        mov     rdi, [rsp]
        mov     rsi, [rsp+8]
        mov     rdx, [rsp+16]
        mov     r10, [rsp+24]
        mov     r8, [rsp+32]
        mov     r9, [rsp+40]
        mov     eax, [rbx]
        test    eax, eax
        js      pseudo
        syscall
        mov     ecx, [rbx+60]           # where the result goes
        test    ecx, ecx
        jz      result
        mov     [rcx], rax
result: cmp     rax, -4095
        jae     failed
step:   add     rbx, 64
        jmp     next
failed: mov     ecx, [rbx+56]           # where to go on after a failure; 0: report it and end
        test    ecx, ecx
        jz      abort
        mov     ebx, ecx
        jmp     next
pseudo: cmp     al, 1
        je      equal
        cmp     al, 2
        je      both
        sub     rdi, rsi                # 3: dst = a - b
        jmp     keep
both:   and     rdi, rsi                # 2: dst = a & b
keep:   mov     ecx, [rbx+60]
        mov     [rcx], rdi
        jmp     step
equal:  cmp     rdi, rsi                # 1: go to c if a == b
        jne     step
        mov     rbx, rdx
        jmp     next
abort:  sub     rbx, PROGRAM            # write(3, {1, offset, result}, 16)
        mov     dword ptr [rsp], 1
        mov     [rsp+4], ebx
        mov     [rsp+8], rax
        mov     edi, 3
        mov     rsi, rsp
        mov     edx, 16
        mov     eax, 1
        syscall
die:    mov     edi, 1
        mov     eax, 231                # exit_group(1)
        syscall
