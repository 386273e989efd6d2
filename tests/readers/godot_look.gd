# Prints what the imported scene res://twin.glb holds: one line REPORT and JSON. Godot 3, without a window.
# The last three arguments of the command line: the left upper arm, how far it is lifted in degrees, and the
# shape to drive. There is no renderer, so the skin is applied here, from Godot's own skeleton and skin.
extends SceneTree

const USES = {"albedo_texture": "albedo", "normal_texture": "normal", "roughness_texture": "roughness"}


func _init():
	var scene = load("res://twin.glb")
	if scene == null:
		print("REFUSED")
	else:
		var root = scene.instance()
		# A skeleton outside the tree does not pass a pose on to the bones below.
		get_root().add_child(root)
		print("REPORT " + JSON.print(look(find(root, "Skeleton"), find(root, "MeshInstance"))))
	quit()


func find(node, kind):
	if node.is_class(kind):
		return node
	for child in node.get_children():
		var found = find(child, kind)
		if found != null:
			return found
	return null


func look(skeleton, instance):
	var words = OS.get_cmdline_args()
	var mesh = instance.mesh
	var arrays = mesh.surface_get_arrays(0)
	var bones = []
	for bone in skeleton.get_bone_count():
		bones.append(skeleton.get_bone_name(bone))
	var shapes = []
	for shape in mesh.get_blend_shape_count():
		shapes.append(mesh.get_blend_shape_name(shape))
	var rest = skinned(arrays, arrays[Mesh.ARRAY_VERTEX], skeleton, instance.skin)
	var driven = mesh.surface_get_blend_shape_arrays(0)[shapes.find(words[-1])][Mesh.ARRAY_VERTEX]
	var report = {
		"bones": bones,
		"shapes": shapes,
		"triangles": arrays[Mesh.ARRAY_INDEX].size() / 3,
		"height_m": height(rest),
		"jaw_m": farthest(rest, skinned(arrays, driven, skeleton, instance.skin)),
		"textures": textures(mesh.surface_get_material(0)),
	}
	lift(skeleton, words[-3], deg2rad(float(words[-2])))
	var lifted = skinned(arrays, arrays[Mesh.ARRAY_VERTEX], skeleton, instance.skin)
	report["arm_m"] = farthest(rest, lifted)
	return report


# The points as the skin moves them, metres, in the skeleton's frame.
func skinned(arrays, points, skeleton, skin):
	var matrices = []
	for bind in skin.get_bind_count():
		var name = skin.get_bind_name(bind)
		var bone = skeleton.find_bone(name) if name else skin.get_bind_bone(bind)
		matrices.append(skeleton.get_bone_global_pose(bone) * skin.get_bind_pose(bind))
	var bones = arrays[Mesh.ARRAY_BONES]
	var weights = arrays[Mesh.ARRAY_WEIGHTS]
	var moved = PoolVector3Array()
	moved.resize(points.size())
	for index in points.size():
		var sum = Vector3()
		for slot in range(4 * index, 4 * index + 4):
			if weights[slot] > 0:
				sum += matrices[bones[slot]].xform(points[index]) * weights[slot]
		moved[index] = sum
	return moved


# Turns a bone about its head, about the axis that the person faces along.
func lift(skeleton, name, angle):
	var bone = -1
	for one in skeleton.get_bone_count():
		if plain(skeleton.get_bone_name(one)) == plain(name):
			bone = one
	var now = skeleton.get_bone_global_pose(bone)
	var turned = Transform(Basis(Vector3(0, 0, 1), angle) * now.basis, now.origin)
	var above = skeleton.get_bone_global_pose(skeleton.get_bone_parent(bone)) * skeleton.get_bone_rest(bone)
	skeleton.set_bone_pose(bone, above.affine_inverse() * turned)


func plain(name):
	return name.replace("_", "").replace(":", "").to_lower()  # Godot makes an underscore of a colon


func height(points):
	var low = INF
	var high = -INF
	for point in points:
		low = min(low, point.y)
		high = max(high, point.y)
	return high - low


func farthest(before, after):
	var most = 0.0
	for index in before.size():
		most = max(most, after[index].distance_to(before[index]))
	return most


func textures(material):
	var seen = []
	for property in USES:
		var texture = material.get(property)
		if texture != null:
			var size = texture.get_size()
			var mean = mean_of(texture.get_data())
			seen.append({"use": USES[property], "width": size.x, "height": size.y, "mean": mean})
	return seen


func mean_of(image):
	image.decompress()
	image.convert(Image.FORMAT_RGB8)
	var data = image.get_data()
	var sums = [0.0, 0.0, 0.0]
	var texels = image.get_width() * image.get_height()
	for texel in texels:
		for channel in 3:
			sums[channel] += data[3 * texel + channel]
	for channel in 3:
		sums[channel] /= texels
	return sums
