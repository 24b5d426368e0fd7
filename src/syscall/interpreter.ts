/**
 * Machine code of the interpreter of system-call programs, one instruction a line, written by scripts/assemble.mjs from
 * native/interpreter.*.s.
 */
export const interpreter = {
  x64: [
    '4883ec40', // sub rsp,0x40
    'bf03000000', // mov edi,0x3
    '4889e6', // mov rsi,rsp
    'ba08000000', // mov edx,0x8
    '31c0', // xor eax,eax
    '0f05', // syscall
    '4883f808', // cmp rax,0x8
    '0f850c010000', // jne 12b <die>
    '4c8b2424', // mov r12,QWORD PTR [rsp]
    'bf00000010', // mov edi,0x10000000
    '4c89e6', // mov rsi,r12
    'ba03000000', // mov edx,0x3
    '41ba32000000', // mov r10d,0x32
    '49c7c0ffffffff', // mov r8,0xffffffffffffffff
    '4531c9', // xor r9d,r9d
    'b809000000', // mov eax,0x9
    '0f05', // syscall
    'bb00000010', // mov ebx,0x10000000
    '4839d8', // cmp rax,rbx
    '0f85d6000000', // jne 12b <die>
    '4989dd', // mov r13,rbx
    'bf03000000', // mov edi,0x3
    '4c89ee', // mov rsi,r13
    '4c89e2', // mov rdx,r12
    '31c0', // xor eax,eax
    '0f05', // syscall
    '4885c0', // test rax,rax
    '0f8ebb000000', // jle 12b <die>
    '4901c5', // add r13,rax
    '4929c4', // sub r12,rax
    '75e0', // jne 58 <fill>
    '31c9', // xor ecx,ecx
    '488b44cb08', // mov rax,QWORD PTR [rbx+rcx*8+0x8]
    '0fa34b04', // bt DWORD PTR [rbx+0x4],ecx
    '7303', // jae 88 <value>
    '488b00', // mov rax,QWORD PTR [rax]
    '488904cc', // mov QWORD PTR [rsp+rcx*8],rax
    'ffc1', // inc ecx
    '83f906', // cmp ecx,0x6
    '75e7', // jne 7a <arg>
    '488b3c24', // mov rdi,QWORD PTR [rsp]
    '488b742408', // mov rsi,QWORD PTR [rsp+0x8]
    '488b542410', // mov rdx,QWORD PTR [rsp+0x10]
    '4c8b542418', // mov r10,QWORD PTR [rsp+0x18]
    '4c8b442420', // mov r8,QWORD PTR [rsp+0x20]
    '4c8b4c2428', // mov r9,QWORD PTR [rsp+0x28]
    '8b03', // mov eax,DWORD PTR [rbx]
    '85c0', // test eax,eax
    '7825', // js db <pseudo>
    '0f05', // syscall
    '8b4b3c', // mov ecx,DWORD PTR [rbx+0x3c]
    '85c9', // test ecx,ecx
    '7403', // je c2 <result>
    '488901', // mov QWORD PTR [rcx],rax
    '483d01f0ffff', // cmp rax,0xfffffffffffff001
    '7306', // jae d0 <failed>
    '4883c340', // add rbx,0x40
    'eba8', // jmp 78 <next>
    '8b4b38', // mov ecx,DWORD PTR [rbx+0x38]
    '85c9', // test ecx,ecx
    '7429', // je 100 <abort>
    '89cb', // mov ebx,ecx
    'eb9d', // jmp 78 <next>
    '3c01', // cmp al,0x1
    '7414', // je f3 <equal>
    '3c02', // cmp al,0x2
    '7405', // je e8 <both>
    '4829f7', // sub rdi,rsi
    'eb03', // jmp eb <keep>
    '4821f7', // and rdi,rsi
    '8b4b3c', // mov ecx,DWORD PTR [rbx+0x3c]
    '488939', // mov QWORD PTR [rcx],rdi
    'ebd7', // jmp ca <step>
    '4839f7', // cmp rdi,rsi
    '75d2', // jne ca <step>
    '4889d3', // mov rbx,rdx
    'e978ffffff', // jmp 78 <next>
    '4881eb00000010', // sub rbx,0x10000000
    'c7042401000000', // mov DWORD PTR [rsp],0x1
    '895c2404', // mov DWORD PTR [rsp+0x4],ebx
    '4889442408', // mov QWORD PTR [rsp+0x8],rax
    'bf03000000', // mov edi,0x3
    '4889e6', // mov rsi,rsp
    'ba10000000', // mov edx,0x10
    'b801000000', // mov eax,0x1
    '0f05', // syscall
    'bf01000000', // mov edi,0x1
    'b8e7000000', // mov eax,0xe7
    '0f05', // syscall
  ],
  arm64: [
    'ff8300d1', // sub sp, sp,
    '600080d2', // mov x0,
    'e1030091', // mov x1, sp
    '020180d2', // mov x2,
    'e80780d2', // mov x8,
    '010000d4', // svc
    '1f2000f1', // cmp x0,
    'e1090054', // b.ne 158 <die>
    'f40340f9', // ldr x20, [sp]
    '0000a2d2', // mov x0,
    'e10314aa', // mov x1, x20
    '620080d2', // mov x2,
    '430680d2', // mov x3,
    '04008092', // mov x4,
    '050080d2', // mov x5,
    'c81b80d2', // mov x8,
    '010000d4', // svc
    '1300a2d2', // mov x19,
    '1f0013eb', // cmp x0, x19
    '61080054', // b.ne 158 <die>
    'f50313aa', // mov x21, x19
    '600080d2', // mov x0,
    'e10315aa', // mov x1, x21
    'e20314aa', // mov x2, x20
    'e80780d2', // mov x8,
    '010000d4', // svc
    '1f0000f1', // cmp x0,
    '6d070054', // b.le 158 <die>
    'b502008b', // add x21, x21, x0
    '940200eb', // subs x20, x20, x0
    'e1feff54', // b.ne 54 <fill>
    '690640b9', // ldr w9, [x19,
    '608640a9', // ldp x0, x1, [x19,
    '628e41a9', // ldp x2, x3, [x19,
    '649642a9', // ldp x4, x5, [x19,
    '49000036', // tbz w9,
    '000040f9', // ldr x0, [x0]
    '49000836', // tbz w9,
    '210040f9', // ldr x1, [x1]
    '49001036', // tbz w9,
    '420040f9', // ldr x2, [x2]
    '49001836', // tbz w9,
    '630040f9', // ldr x3, [x3]
    '49002036', // tbz w9,
    '840040f9', // ldr x4, [x4]
    '49002836', // tbz w9,
    'a50040f9', // ldr x5, [x5]
    '680240b9', // ldr w8, [x19]
    'a801f837', // tbnz w8,
    '010000d4', // svc
    '693e40b9', // ldr w9, [x19,
    '49000034', // cbz w9, d4 <result>
    '200100f9', // str x0, [x9]
    '1ffc3fb1', // cmn x0,
    '62000054', // b.cs e4 <failed>
    '73020191', // add x19, x19,
    'e7ffff17', // b 7c <next>
    '693a40b9', // ldr w9, [x19,
    '49020034', // cbz w9, 130 <abort>
    'f30309aa', // mov x19, x9
    'e3ffff17', // b 7c <next>
    '081d0012', // and w8, w8,
    '1f050071', // cmp w8,
    '20010054', // b.eq 120 <equal>
    '1f090071', // cmp w8,
    '60000054', // b.eq 110 <both>
    '000001cb', // sub x0, x0, x1
    '02000014', // b 114 <keep>
    '0000018a', // and x0, x0, x1
    '693e40b9', // ldr w9, [x19,
    '200100f9', // str x0, [x9]
    'f0ffff17', // b dc <step>
    '1f0001eb', // cmp x0, x1
    'c1fdff54', // b.ne dc <step>
    'f30302aa', // mov x19, x2
    'd4ffff17', // b 7c <next>
    '0900a2d2', // mov x9,
    '730209cb', // sub x19, x19, x9
    '29008052', // mov w9,
    'e94f0029', // stp w9, w19, [sp]
    'e00700f9', // str x0, [sp,
    '600080d2', // mov x0,
    'e1030091', // mov x1, sp
    '020280d2', // mov x2,
    '080880d2', // mov x8,
    '010000d4', // svc
    '200080d2', // mov x0,
    'c80b80d2', // mov x8,
    '010000d4', // svc
  ],
} as const;
