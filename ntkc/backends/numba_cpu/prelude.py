"""Helper functions that generated modules carry when they use them."""

from __future__ import annotations

from ntkc.backends.edge import edge
from ntkc.backends.owen_t import owen_t, triangle

_BITS_OF = '''\
@intrinsic
def bits_of_{dtype}(typing_context, x):
    """The bits of a number."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType({bits}))

    return types.uint{bits}(types.{dtype}), code'''

_OF_BITS = '''\
@intrinsic
def {dtype}_of_bits(typing_context, bits):
    """The number of these bits."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.{dtype}(types.uint{bits}), code'''

HELPERS = {
    "within": '''\
def within(value, low, high, strict, what):
    """The value of a parameter's expression, if it lies where it must."""
    if low <= value <= high and not (strict and value == high):
        return value
    side = "below" if strict else "at most"
    bound = f"at least {low:g}" if high > 1e308 else f"at least {low:g} and {side} {high:g}"
    if low < -1e308:
        bound = "finite" if high > 1e308 else f"{side} {high:g}"
    raise ValueError(f"{what} must be {bound}, not {value!r}")''',
    "within_all": '''\
def within_all(values, low, high, what):
    """Values of single inputs, if all of them lie where the formulas hold."""
    outside = ~((values >= low) & (values <= high))
    if np.any(outside):
        where = int(np.argmax(outside))
        found = float(np.ravel(values)[where])
        row = where * len(outside) // outside.size
        raise ValueError(row, f"{what} must be from {low:g} to {high:g}, not {found:.6g}")
    return values''',
    "chebyshev": '''\
def chebyshev(x, series):
    """The sums of series[:, k] * T_k(x), one for each row of `series`."""
    basis = [np.ones_like(x), x]
    while len(basis) < series.shape[1]:
        basis.append(2.0 * x * basis[-1] - basis[-2])
    return np.tensordot(series, np.array(basis[: series.shape[1]]), 1)''',
    "inv_sqrt": '''\
def inv_sqrt(x):
    """1 / sqrt(x), and 0 where x is 0: an all-zero input has no direction to scale."""
    positive = x > 0.0
    return np.where(positive, 1.0 / np.sqrt(np.where(positive, x, 1.0)), 0.0)''',
    "erf": '''\
def erf(x):
    """The error function."""
    from scipy import special

    return special.erf(x)''',
    "normal_cdf": '''\
def normal_cdf(x):
    """The standard normal distribution function."""
    from scipy import special

    return special.ndtr(x)''',
    "owen_t": '''\
def owen_t(h, y, x):
    """Owen's T function of h and the tangent y / |x|, which is 0 where y is 0."""
    from scipy import special

    with np.errstate(divide="ignore", invalid="ignore"):
        return special.owens_t(h, np.where(y == 0.0, 0.0, np.divide(y, np.abs(x))))''',
    "triangle": '''\
def triangle(h, y, x):
    """The normal probability of a right triangle: see `ntkc.runtime.triangle`."""
    from ntkc.runtime import triangle as values

    return values.triangle(h, y, x)''',
    "edge": '''\
def edge(h, y, x, degree):
    """What an edge at height h adds to a moment of a pair: see `ntkc.runtime.edge`."""
    from ntkc.runtime import edge as values

    return values.edge(h, y, x, degree)''',
    "owen_t_float64": owen_t("float64", '@njit(error_model="numpy")'),
    "owen_t_float32": owen_t("float32", '@njit(error_model="numpy")'),
    "triangle_float64": triangle("float64", '@njit(error_model="numpy")'),
    "triangle_float32": triangle("float32", '@njit(error_model="numpy")'),
    "edge_float64": edge("float64", '@njit(error_model="numpy")'),
    "edge_float32": edge("float32", '@njit(error_model="numpy")'),
    "bits_of_float64": _BITS_OF.format(dtype="float64", bits=64),
    "bits_of_float32": _BITS_OF.format(dtype="float32", bits=32),
    "float64_of_bits": _OF_BITS.format(dtype="float64", bits=64),
    "float32_of_bits": _OF_BITS.format(dtype="float32", bits=32),
    "fill": '''\
def fill(table, first, space, image):
    """Write images (n, *space), or what all their positions share, to columns of a table."""
    size = math.prod(space)
    image = np.asarray(image)
    if not space:
        image = np.reshape(image, (-1, 1))
    else:
        image = np.broadcast_to(image, (len(table), *space)).reshape(len(table), size)
    table[:, first : first + size] = image''',
    "window_mean": '''\
def window_mean(images, size, stride, dilation, before, out, circular):
    """The mean of images (n, *space) over windows; cells outside count as 0."""
    for axis, cells in enumerate(size):
        shape = list(images.shape)
        shape[axis + 1] = out[axis]
        total, step, length = np.zeros(shape), stride[axis], images.shape[axis + 1]
        front = (slice(None),) * (axis + 1)
        for offset in range(cells):
            shift = offset * dilation[axis] - before[axis]
            if circular:
                total += images[(*front, (np.arange(out[axis]) * step + shift) % length)]
                continue
            first = max(0, -(shift // step))  # the cells whose place is inside
            last = min(out[axis], (length - 1 - shift) // step + 1)
            if first < last:
                at = slice(first * step + shift, (last - 1) * step + shift + 1, step)
                total[(*front, slice(first, last))] += images[(*front, at)]
        images = total / cells
    return images''',
    "spread_mean": '''\
def spread_mean(images, size, stride, dilation, before, out):
    """The adjoint of a sum over windows, divided by their size."""
    for axis, cells in enumerate(size):
        shape = list(images.shape)
        shape[axis + 1] = out[axis]
        total = np.zeros(shape)
        into, source = np.moveaxis(total, axis + 1, 0), np.moveaxis(images, axis + 1, 0)
        for offset in range(cells):
            at = np.arange(len(source)) * stride[axis] - before[axis] + offset * dilation[axis]
            inside = (at >= 0) & (at < out[axis])
            into[at[inside]] += source[inside]
        images = total / cells
    return images''',
    "mean_image": '''\
def mean_image(images):
    """The mean over positions."""
    return np.mean(images, axis=tuple(range(1, np.ndim(images))), keepdims=True)''',
    "embedded": '''\
def embedded(images, start, out):
    """Images in a larger space, with zeros around them."""
    after = [s - b - n for s, b, n in zip(out, start, images.shape[1:], strict=True)]
    return np.pad(images, [(0, 0), *zip(start, after, strict=True)])''',
}
