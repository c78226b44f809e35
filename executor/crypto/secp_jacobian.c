#include "executor/crypto/secp_point.h"

/* a = 3 x^2, u = 2 y, s = u^2, t = x s: x3 = a^2 - 2 t, y3 = a (t - x3) - s u y, z3 = u z.  The
 * slope 3 X^2 / 2 Y of the affine tangent is a / z3. */
bool exec_jacobian_double(struct exec_jacobian *p, struct exec_step *step)
{
    struct exec_fe a, s, t, u;
    if (p->infinite)
        return false;
    exec_fe_sqr(&u, &p->x);
    exec_fe_add(&a, &u, &u);
    exec_fe_add(&a, &a, &u);
    exec_fe_add(&u, &p->y, &p->y);
    if (step != NULL)
        *step = (struct exec_step){.slope = a, .ratio = u};
    exec_fe_mul(&p->z, &u, &p->z);
    exec_fe_sqr(&s, &u);
    exec_fe_mul(&t, &s, &p->x);
    exec_fe_mul(&s, &s, &u);
    exec_fe_mul(&s, &s, &p->y);
    exec_fe_sqr(&p->x, &a);
    exec_fe_sub(&p->x, &p->x, &t);
    exec_fe_sub(&p->x, &p->x, &t);
    exec_fe_sub(&t, &t, &p->x);
    exec_fe_mul(&t, &t, &a);
    exec_fe_sub(&p->y, &t, &s);
    return true;
}

/* h = x2 z^2 - x, d = y2 z^3 - y: x3 = d^2 - h^3 - 2 x h^2, y3 = d (x h^2 - x3) - y h^3, z3 = z h.
 * The slope (Y2 - Y1) / (X2 - X1) of the affine chord is d / z3. */
bool exec_jacobian_add(struct exec_jacobian *p, const struct exec_point *q,
                       const struct exec_fe *scale, struct exec_step *step)
{
    struct exec_fe z = p->z, zz, h, hh, d, v;
    if (p->infinite) {
        *p = (struct exec_jacobian){.x = q->x, .y = q->y, .z = {{1}}};
        if (scale != NULL) {
            exec_fe_sqr(&zz, scale);
            exec_fe_mul(&p->x, &p->x, &zz);
            exec_fe_mul(&zz, &zz, scale);
            exec_fe_mul(&p->y, &p->y, &zz);
        }
        return false;
    }
    if (scale != NULL)
        exec_fe_mul(&z, &z, scale);
    exec_fe_sqr(&zz, &z);
    exec_fe_mul(&h, &q->x, &zz);
    exec_fe_mul(&zz, &zz, &z);
    exec_fe_mul(&d, &q->y, &zz);
    exec_fe_sub(&h, &h, &p->x);
    exec_fe_sub(&d, &d, &p->y);
    if (exec_fe_is_zero(&h)) {
        p->infinite = !exec_fe_is_zero(&d);
        return exec_jacobian_double(p, step);
    }
    if (step != NULL)
        *step = (struct exec_step){.slope = d, .ratio = h};
    exec_fe_mul(&p->z, &p->z, &h);
    exec_fe_sqr(&hh, &h);
    exec_fe_mul(&h, &hh, &h);
    exec_fe_mul(&v, &p->x, &hh);
    exec_fe_mul(&p->y, &p->y, &h);
    exec_fe_sqr(&p->x, &d);
    exec_fe_sub(&p->x, &p->x, &h);
    exec_fe_sub(&p->x, &p->x, &v);
    exec_fe_sub(&p->x, &p->x, &v);
    exec_fe_sub(&v, &v, &p->x);
    exec_fe_mul(&v, &v, &d);
    exec_fe_sub(&p->y, &v, &p->y);
    return true;
}
