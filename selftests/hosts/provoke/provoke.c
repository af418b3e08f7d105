// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module with one mistake, chosen by its parameter, that the debug kernel must
 * report: selftests/hosts/check-reports sees that the host's runner notices.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *what = "";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "The mistake to make");

static int shift = 77;
module_param(shift, int, 0444);
MODULE_PARM_DESC(shift, "More bits than a word has");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static void __rcu *pointer;

static void use_after_free(void)
{
	char *p = kmalloc(40, GFP_KERNEL);

	kfree(p);
	if (p)
		pr_info("read %d\n", READ_ONCE(p[8]));
}

static void shift_too_far(void)
{
	pr_info("shifted %lx\n", 1ul << READ_ONCE(shift));
}

static void locks_in_both_orders(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void rcu_without_lock(void)
{
	pr_info("pointer %d\n", !!rcu_dereference(pointer));
}

static void sleep_with_spinlock(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void cpu_while_preemptible(void)
{
	pr_info("cpu %d\n", smp_processor_id());
}

static void delete_twice(void)
{
	LIST_HEAD(head);
	LIST_HEAD(one);

	list_add(&one, &head);
	list_del(&one);
	list_del(&one);
}

static void on_timer(struct timer_list *timer)
{
}

static void free_active_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, on_timer, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static void warn(void)
{
	WARN_ON(1);
}

static const struct {
	const char *name;
	void (*fn)(void);
} mistakes[] = {
	{ "rcu", rcu_without_lock },
	{ "sleep", sleep_with_spinlock },
	{ "preempt", cpu_while_preemptible },
	{ "ubsan", shift_too_far },
	{ "list", delete_twice },
	{ "objects", free_active_timer },
	{ "warn", warn },
	{ "lockdep", locks_in_both_orders },
	{ "kasan", use_after_free },
};

static int __init provoke_init(void)
{
	for (int i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (strcmp(what, mistakes[i].name))
			continue;
		mistakes[i].fn();
		return 0;
	}
	return -EINVAL;
}

static void __exit provoke_exit(void)
{
}

module_init(provoke_init);
module_exit(provoke_exit);
MODULE_DESCRIPTION("Mistakes on demand");
MODULE_LICENSE("GPL");
