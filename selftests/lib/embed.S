/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest half, as a blob in the host half. */
	.section .rodata
	.balign 16
	.globl guest_image, guest_image_end
guest_image:
	.incbin IMAGE_FILE
guest_image_end:
	.section .note.GNU-stack, "", @progbits
