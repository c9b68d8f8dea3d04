// left: two vectors of three numbers, one after the other; product: their dot product

@compute @workgroup_size(1)
fn main() {
  product[0] = left[0] * left[3] + left[1] * left[4] + left[2] * left[5];
}
