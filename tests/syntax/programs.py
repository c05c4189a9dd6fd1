"""Programs that several tests of the front end read."""

from __future__ import annotations

from pathlib import Path

REFERENCE = sorted((Path(__file__).parents[1] / "reference").rglob("*.ntk"))

WIDE_RESNET = """\
# wide_resnet.ntk: a residual network
param w_std = sqrt(2)            # run-time hyperparameter: a keyword of the compiled kernel
let   depth = 3                  # compile-time constant

activation swishish(z, beta = 1.702) = z * Phi(beta * z)

def conv3(stride = 1) = relu -> conv(3x3, stride = stride, padding = same, w_std = w_std)

def residual(stride = 1, project = false) = add(
    conv3(stride) -> conv3(),
    if project then conv(1x1, stride = stride) else identity,
)

network wide_resnet {
    input image[32, 32, 3]
    conv(3x3, padding = same)
    residual(project = true) -> residual() * (depth - 1)
    residual(stride = 2, project = true) -> residual() * (depth - 1)
    swishish
    global_avg_pool
    dense(w_std = 1, b_std = 0.1)
}
"""

_COMMENTS = """\
# top

# second
let x = 1E3 # behind


let y = ( # in parentheses
 1 + # in a sum
 .5) * 1.E5
def f(a, # first
  # own line
  b = 3, # last
) = { # open
  relu # r

  # between

  conv(3x3, # k
     # before stride
     stride = 1
     # at the end
     ) -> relu # end
   # before the brace
}
def g( # nothing
) = { }
network foo { # the net
  # about the input
  input image[3, # a size
    3, ?] normalized # t
  relu # 1
  # 2
  -> dense # 3


  -> { a; b # x
  } * 3
  add( # hello
  )
  foo( # hello
     # again
  )
  # end
}
# end of file"""

_LONG_LINES = """\
activation kink(z, alpha = 1) = if z < 0 then -z^2 * (alpha + 1) else if z > 100 then z * alpha else exp(-z)
let total = a_rather_long_constant + another_rather_long_constant + the_third_of_the_long_constants
def tower(n) = first_part_of_tower(n) -> second_part_of_tower(n) -> third_part_of_tower(n) -> relu
def both(n) = add(first_part_of_tower(n) -> second_part_of_tower(n) -> third_part_of_tower(n) -> relu, identity) * n
def many(first = 1, second = 2, third = 3, fourth = 4, fifth = 5, sixth = 6, seventh = 7) = relu
network wide { input vector[3]; self_attention(w_key_std = 1.1, w_value_std = 1.2, w_query_std = 0.9, w_out_std = 1.3); { conv(3x3, padding = same, w_std = 1.4, b_std = 0.1) -> relu -> layer_norm } * 3; polynomial([0.123456789, 1.123456789, -0.3, 0.2, 0.123456789, 1.123456789, -0.3]) }
"""

_BRACKETS = """\
let a = ((1 + 2)) * (3) - (4 - 5) - (6 * 7)
let b = -(2^2) + (-2)^2 + 2^(3^4) + (2^3)^4 + 2^-x
let c = (if (a) then (b) else (c)) * 2
let d = if a -> b then (c -> d) else (e -> f)
let e = (a -> b) -> (c -> (d -> e))
let f = (1 < 2) == (3 < 4)
let g = [(1), (a -> b), { (relu) }]
let h = -(-x) - -x
"""

_BLOCKS = """\
def empty = {}
def lines = {
    relu
    let n = 2; dense

    -> erf
}
def nested = { { a; b } * 2; ({ c } -> d) * 3; }
let a = 1; let b = 2;;

network n
{
    input sequence[?, 4]; relu

    ; dense
}
"""

HANDMADE = {
    "wide resnet": WIDE_RESNET,
    "comments": _COMMENTS,
    "long lines": _LONG_LINES,
    "brackets": _BRACKETS,
    "blocks": _BLOCKS,
}
