<?php
// Stubs of the WordPress and WooCommerce functions that the guide uses. The child theme's functions.php is on standard
// input. The output is the parts of a product page and of the checkout as JSON.

$hooks = [];
$shortcodes = [];

function add_action( $hook, $callback ) {
    global $hooks;
    $hooks[ $hook ][] = $callback;
}

function add_shortcode( $tag, $callback ) {
    global $shortcodes;
    $shortcodes[ $tag ] = $callback;
}

function esc_attr( $text ) {
    return htmlspecialchars( $text, ENT_QUOTES );
}

function wp_json_encode( $value ) {
    return json_encode( $value, JSON_THROW_ON_ERROR );
}

function get_the_ID() {
    return $_SERVER['argv'][1];
}

function wp_unslash( $text ) {
    return stripslashes( $text );
}

function sanitize_text_field( $text ) {
    return trim( strip_tags( $text ) );
}

class WC_Order {
    public $metadata = [];

    public function update_meta_data( $key, $value ) {
        $this->metadata[ $key ] = $value;
    }
}

function printed( $hook, ...$arguments ) {
    global $hooks;
    ob_start();
    foreach ( $hooks[ $hook ] as $callback ) {
        $callback( ...$arguments );
    }
    return ob_get_clean();
}

error_reporting( E_ALL );
set_error_handler( function ( $level, $message, $file, $line ) {
    throw new ErrorException( $message, 0, $level, $file, $line );
} );
eval( stream_get_contents( STDIN ) );

$_POST['alsolike_session'] = $_SERVER['argv'][2];
$order = new WC_Order();
printed( 'woocommerce_checkout_create_order', $order );
echo json_encode( [
    'head' => printed( 'wp_head' ),
    'product' => printed( 'woocommerce_after_single_product' ),
    'home' => $shortcodes['alsolike_for_you'](),
    'checkout' => printed( 'woocommerce_after_order_notes' ),
    'order' => $order->metadata,
] );
